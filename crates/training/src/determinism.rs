//! Whole training steps give the same bits for any number of threads.

use ferrotype_base::digest;
use std::sync::Arc;

use burn::tensor::Device;
use ferrotype_kernels::Isa;
use rayon::ThreadPoolBuilder;
use sha2::{Digest, Sha256};

use super::learner::Learner;
use super::options::TrainOptions;
use ferrotype_base::random::Stream;
use ferrotype_data::Batch;
use ferrotype_model::objective::ObjectiveOptions;
use ferrotype_model::{ModelOptions, Network};
use ferrotype_ops::Compute;

const CLASSES: usize = 5;

/// A hash of weights, running statistics and optimizer memory after five steps with clipping, by so many threads.
fn trained(network: &Network, threads: usize) -> String {
    let options: TrainOptions = serde_json::from_str(r#"{"epochs": 1, "lr": 1e-3, "clip_norm": 1.0}"#).unwrap();
    let objective = ObjectiveOptions::default().build();
    let mut learner = Learner::new(network.clone(), objective, vec![1.0; CLASSES], &options, 3);
    let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| {
        for step in 0..5 {
            learner.step(&[batch(network.graph().input, step)], 1e-3).unwrap();
        }
        let mut checkpoint = Default::default();
        learner.save(&mut checkpoint).unwrap();
        let mut hash = Sha256::new();
        for tensor in checkpoint.tensors {
            tensor.values.iter().for_each(|v| hash.update(v.to_le_bytes()));
        }
        digest::hex(&hash.finalize())
    })
}

/// Three random pictures.
fn batch(shape: [usize; 3], step: u64) -> Batch {
    let mut stream = Stream::new(step);
    let images = (0..3 * shape.iter().product::<usize>()).map(|_| stream.uniform(-1.0, 1.0)).collect();
    let mut targets = vec![0.1; 3 * CLASSES];
    targets.chunks_exact_mut(CLASSES).for_each(|t| t[stream.below(CLASSES)] += 0.5);
    Batch { images, targets, weights: vec![1.0; 3], rows: vec![0, 1, 2], shape, ..Batch::default() }
}

#[test]
fn every_network_trains_to_the_same_bits_with_one_two_and_three_threads() {
    for model in ModelOptions::all() {
        // Small pictures, so that this stays short; of the sizes that the nets need at least.
        let size = match model.name() {
            "resnet18" => 16,
            "micro_exp_net" => 40,
            _ => 32,
        };
        let (model, input) = model.small(size);
        let graph = Arc::new(model.build(input, CLASSES).unwrap());
        let network = Network::new(graph, 2, &Device::flex());
        for isa in Isa::available() {
            let network = network.clone().with_compute(Compute::Native(isa));
            let one = trained(&network, 1);
            for threads in [2, 3] {
                assert_eq!(one, trained(&network, threads), "{} on {isa} with {threads} threads", model.name());
            }
        }
    }
}
