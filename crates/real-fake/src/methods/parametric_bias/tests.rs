use burn::tensor::Device;
use ferrotype_kernels::Isa;

use super::*;
use crate::clip::{Clip, Series};
use crate::methods::sequence::tests::{accuracy, clips, fitted, options};
use ferrotype_base::random::Stream;

/// Faces whose mouth opens with the first action unit of a set of the sequences' tests, seen from anywhere.
fn faces(count: usize, strength: f64, emotions: usize) -> ClipSet {
    let mut set = clips(count, strength, emotions, 8);
    let mut s = Stream::new(5);
    let shape: Vec<f32> = (0..136).map(|_| s.uniform(-1.0, 1.0)).collect();
    for clip in &mut set.clips {
        let units = clip.units.take().unwrap();
        let (size, dx, dy) = (s.uniform(40.0, 80.0), s.uniform(100.0, 300.0), s.uniform(100.0, 200.0));
        let mut values = Vec::new();
        for row in units.values.chunks_exact(3) {
            for (i, v) in shape.iter().enumerate() {
                let open = if i % 2 == 1 && i > 100 { 0.3 * row[0] } else { 0.0 };
                values.push(if i % 2 == 0 { dx } else { dy } + size * (v + open) + 0.01 * s.normal() as f32);
            }
        }
        clip.landmarks = Some(Series { times: units.times, values });
    }
    set.units.clear();
    set
}

fn small() -> ParametricBiasOptions {
    ParametricBiasOptions {
        biases: 2,
        hidden: 6,
        every: 2,
        steps: 16,
        inference_steps: 15,
        trees: 30,
        errors: true,
        ..Default::default()
    }
}

#[test]
fn speeds_are_told_apart_by_biases_and_files_say_the_same() {
    let set = faces(112, 1.0, 0);
    let all: Vec<usize> = (0..112).collect();
    let (training, test) = all.split_at(72);
    let folder = tempfile::tempdir().unwrap();
    let fit = |o: &ParametricBiasOptions, name: &str| {
        fitted(o, &set, [training, &[]], &options(25, 0.01), &folder.path().join(name)).unwrap()
    };
    let alone = ParametricBiasOptions { errors: false, ..small() };
    let first = fit(&small(), "a");
    for (fit, least) in [(&first, 0.85), (&fit(&alone, "alone"), 0.75)] {
        let right = accuracy(fit.as_ref(), &set, test);
        println!("{right}");
        assert!(right >= least, "{right}");
    }
    let scores = first.scores(&set, test).unwrap();
    assert_eq!(fit(&small(), "b").scores(&set, test).unwrap(), scores);
    // A clip's bias does not depend on the clips beside it.
    assert_eq!(first.scores(&set, &test[7..8]).unwrap(), scores[7..8]);
    first.save(folder.path()).unwrap();
    let again = small().load(&set, folder.path(), &Device::flex(), Compute::Native(Isa::detect())).unwrap();
    assert_eq!((again.scores(&set, test).unwrap(), again.parameters()), (scores, first.parameters()));
    // Per network: memory 4 * 6 * (136 + 2) + 4 * 6 * 6 + 2 * 4 * 6, change 136 * 6 + 136.
    assert_eq!(first.parameters(), 2 * (24 * 138 + 24 * 6 + 48 + 136 * 7));
    let exported = first.export(&set, test, folder.path(), 1e-4).unwrap();
    assert_eq!(exported.len(), 2);
    assert!(exported.iter().all(|(name, check)| check.passed && folder.path().join(name).is_file()), "{exported:?}");
}

/// The bias that a clip is given is one under which it is predicted better than under none.
#[test]
fn inference_goes_downhill() {
    let set = faces(8, 1.0, 0);
    let all: Vec<usize> = (0..8).collect();
    let o = small();
    let measure = Measure::fit(&set, &all, &o).unwrap();
    let walks: Vec<Walk> = all.iter().map(|&i| measure.walk(&set, i, &o).unwrap()).collect();
    let graph = Arc::new(network::graph(&o, 1, o.steps).unwrap());
    let network = Network::new(graph, 2, &Device::flex());
    let network = network::given_bias(&o, &network, o.steps).unwrap();
    let error = |codes: &[Vec<f32>]| {
        let refs: Vec<&Walk> = walks.iter().collect();
        let batch = batch(&refs, o.steps, 1, codes);
        let x = ferrotype_training::learner::images(&batch, network.device());
        let y: Vec<f32> = network.forward_lengths(x, &batch.valid).unwrap().into_data().try_into_vec().unwrap();
        y.iter().zip(&batch.targets).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>()
    };
    let found = network::infer(&o, &network, &walks).unwrap();
    assert!(error(&found) < error(&vec![vec![0.0; 2]; 8]));
}

#[test]
fn emotions_have_networks_of_their_own_and_what_is_missing_is_named() {
    let mut set = faces(16, 1.0, 2);
    let all: Vec<usize> = (0..16).collect();
    let folder = tempfile::tempdir().unwrap();
    let train = options(1, 0.01);
    let fit = fitted(&small(), &set, [&all, &[]], &train, &folder.path().join("a")).unwrap();
    assert_eq!(fit.export(&set, &all, folder.path(), 1e-4).unwrap().len(), 4);
    let refusal = |set: &ClipSet, clips: &[usize]| {
        format!("{:#}", fitted(&small(), set, [clips, &[]], &train, &folder.path().join("b")).err().unwrap())
    };
    let happy: Vec<usize> = all.iter().copied().filter(|&i| set.clips[i].emotion == Some(0)).collect();
    assert!(refusal(&set, &happy).contains("0 training clips of the emotion sad are fake"));
    let clip = |set: &mut ClipSet, change: fn(&mut Clip)| change(&mut set.clips[3]);
    clip(&mut set, |c| c.emotion = None);
    assert!(fit.scores(&set, &[2, 3]).unwrap_err().to_string().contains("clip003 does not say which emotion"));
    clip(&mut set, |c| c.landmarks.as_mut().unwrap().values.fill(3.0));
    assert!(refusal(&set, &all).contains("at one place"));
    clip(&mut set, |c| {
        let series = c.landmarks.as_mut().unwrap();
        series.times.truncate(2);
        series.values.truncate(272);
    });
    clip(&mut set, |c| c.landmarks.as_mut().unwrap().values.iter_mut().enumerate().for_each(|(i, v)| *v = i as f32));
    assert!(refusal(&set, &all).contains("clip003 has too few frames"));
    clip(&mut set, |c| c.landmarks = None);
    assert!(refusal(&set, &all).contains("clip003 has no landmarks"));
    let odd = ParametricBiasOptions { biases: 0, steps: 1, tree_rate: f64::NAN, ..small() };
    assert_eq!(odd.problems().into_iter().map(|p| p.0).collect::<Vec<_>>(), ["biases", "steps", "tree_rate"]);
}
