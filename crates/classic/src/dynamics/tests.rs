use super::*;

fn series(unit: usize, length: usize) -> Vec<f64> {
    let value = |i: f64| 0.5 + 0.4 * (0.031 * (unit as f64 + 1.0) * i + unit as f64).sin() + 0.1 * (0.37 * i).cos();
    (0..length).map(|i| value(i as f64)).collect()
}

#[test]
fn seven_units_and_six_emotions_make_440() {
    let dynamics = Dynamics::published();
    let clip: Vec<Vec<f64>> = (0..7).map(|unit| series(unit, 350)).collect();
    let mut descriptor = dynamics.describe(&clip).unwrap();
    descriptor.extend(one_hot(2, 6).unwrap());
    assert_eq!(descriptor.len(), 440);
    let names = dynamics.names(&["AU01", "AU02", "AU04", "AU06", "AU09", "AU12", "AU25"]);
    assert_eq!((names.len(), dynamics.per_unit()), (434, 62));
    assert_eq!((names[0].as_str(), names[61].as_str()), ("AU01.value.mean", "AU01.value.area_normalised^2"));
    assert_eq!(descriptor[51], descriptor[0] * descriptor[0]);
    assert_eq!(&descriptor[434..], [0.0, 0.0, 1.0, 0.0, 0.0, 0.0]);
    let free = Dynamics { length: Length::Free, ..dynamics };
    assert_eq!((free.describe(&clip).unwrap().len(), free.names(&["AU01"]).len()), (7 * 56, 56));
}

#[test]
fn descriptors_are_those_of_numpy_and_scipy() {
    // f = lambda x: scipy.signal.filtfilt(*scipy.signal.butter(1, 1, fs=fps), x, padlen=padlen)
    // v = f(x); s = f(np.diff(v)); a = f(np.diff(s)); for each of them, x:
    // m, lo, hi = x.mean(), x.min(), x.max(); t = .5 * (lo + m); P = lambda q: np.percentile(x, q, method='hazen')
    // cross = lambda level: np.flatnonzero(np.diff((x > level).astype(int))) + 1; tm = (np.argmax(x) + 1) / fps
    // [m, np.median(x), lo, hi, np.ptp(x), x.std(ddof=1), P(75) - P(25), P(90) - P(10), np.abs(x - m).mean(), tm,
    //  (x > m).mean(), (x > t).mean(), np.ceil(len(cross(m)) / 2), np.ceil(len(cross(t)) / 2), .001 * (x - lo).sum(),
    //  .01 * (x - lo).sum() / (hi - lo), tm - (cross(m)[0] + 1) / fps], then the squares of v's first nine, 15th and 16th
    let published = Dynamics::published();
    let other = Dynamics { rate: 30.0, edges: Edges::Scipy, ..published };
    // series(1, 350) with fps=100, padlen=3; series(4, 120) with fps=30, padlen=6
    let theirs = [
        [
            0.525978693498,
            0.534616353448,
            0.294637163896,
            0.867975663563,
            0.573338499667,
            0.154128723185,
            0.291782185361,
            0.386974671062,
            0.134806065993,
            0.01,
            0.514285714286,
            0.694285714286,
            4.0,
            3.0,
            0.0809695353607,
            1.41224661187,
            -0.35,
            -0.00105141041899,
            -0.0014854075983,
            -0.00938608948849,
            0.00659597259901,
            0.0159820620875,
            0.00504306158863,
            0.00967506080159,
            0.0133300106242,
            0.0045007408391,
            2.88,
            0.481375358166,
            0.702005730659,
            3.0,
            3.0,
            0.00290880299525,
            1.82004235707,
            2.28,
            2.28425659404e-06,
            -1.29842107833e-05,
            -0.000214775813445,
            0.000255108293728,
            0.000469884107173,
            0.000147433384787,
            0.000282626893071,
            0.000389956544141,
            0.000131096569972,
            0.57,
            0.479885057471,
            0.689655172414,
            3.0,
            3.0,
            7.55369043735e-05,
            1.60756457221,
            0.35,
            0.276653586013,
            0.285814645374,
            0.0868110583484,
            0.753381752537,
            0.3287170352,
            0.0237556633107,
            0.085136843694,
            0.149749396044,
            0.0181726754284,
            0.00655606565653,
            1.99444049273,
        ],
        [
            0.504396527219,
            0.518452472306,
            0.225064882898,
            0.775779505052,
            0.550714622155,
            0.185224293244,
            0.372750783681,
            0.475955148517,
            0.165727561295,
            2.23333333333,
            0.508333333333,
            0.683333333333,
            3.0,
            3.0,
            0.0335197973185,
            0.608660020455,
            1.7,
            0.000380531673349,
            0.00053651835686,
            -0.0269807061886,
            0.0279102973047,
            0.0548910034933,
            0.0183715686664,
            0.0360994441724,
            0.0480790400723,
            0.0163921814699,
            3.23333333333,
            0.504201680672,
            0.680672268908,
            3.0,
            3.0,
            0.00325598730557,
            0.59317321571,
            3.0,
            -8.59029433707e-06,
            -0.000323528141784,
            -0.00272567389627,
            0.00355990915791,
            0.00628558305418,
            0.00198432063251,
            0.00383738327263,
            0.00501936192241,
            0.00177286908775,
            0.1,
            0.466101694915,
            0.669491525424,
            3.0,
            3.0,
            0.000320615865028,
            0.510081343711,
            -0.4,
            0.25441585667,
            0.268792966041,
            0.0506542015137,
            0.601833840459,
            0.303286595055,
            0.0343080388079,
            0.138943146735,
            0.2265333034,
            0.0274656245728,
            0.00112357681228,
            0.3704670205,
        ],
    ];
    let ours = [published.describe(&[series(1, 350)]).unwrap(), other.describe(&[series(4, 120)]).unwrap()];
    let names = published.names(&["AU"]);
    for (ours, theirs) in ours.iter().zip(&theirs) {
        for ((a, b), name) in ours.iter().zip(theirs).zip(&names) {
            assert!((a - b).abs() <= 1e-10 * b.abs() + 1e-14, "{name}: {a} {b}");
        }
    }
}

#[test]
fn a_clip_played_twice_as_long_is_the_same_where_length_is_not_to_be_seen() {
    // Each sample twice: the same course over twice the time, unfiltered.
    let slow = |clip: &[f64]| clip.iter().flat_map(|&v| [v, v]).collect::<Vec<f64>>();
    let clip = series(3, 300);
    let of = |length, clip: &[f64]| {
        Dynamics { rate: 100.0, cutoff: None, edges: Edges::Matlab, length }.describe(&[clip]).unwrap()
    };
    let names = |length| Dynamics { length, ..Dynamics::published() }.names(&["AU"]);
    let differ = |length| -> Vec<String> {
        let (short, long) = (of(length, &clip), of(length, &slow(&clip)));
        let value_of = |name: &String| name.starts_with("AU.value");
        let pairs = names(length).into_iter().zip(short.into_iter().zip(long));
        pairs.filter(|(n, (a, b))| value_of(n) && (a - b).abs() > 0.01 * a.abs()).map(|(n, _)| n).collect()
    };
    assert_eq!(differ(Length::Free), Vec::<String>::new());
    let carried = ["time_of_max", "area", "area_normalised", "rise_time", "area^2", "area_normalised^2"]
        .map(|n| format!("AU.value.{n}"));
    assert_eq!(differ(Length::Published), carried);
}

#[test]
fn still_series_give_numbers() {
    for length in [Length::Free, Length::Published] {
        let dynamics = Dynamics { length, ..Dynamics::published() };
        for level in [0.0, 0.3, 1e-30] {
            let descriptor = dynamics.describe(&[vec![level; 40]]).unwrap();
            assert!(descriptor.iter().all(|v| v.is_finite()), "{descriptor:?}");
            // Only mean, median, least and greatest value and their squares say anything, and as published the time of
            // the maximum: the first sample.
            let told = descriptor.iter().filter(|v| v.abs() > 1e-15).count();
            let most = if length == Length::Free { 8 } else { 11 };
            assert!(told <= most, "{level}: {descriptor:?}");
        }
    }
}

#[test]
fn what_cannot_be_described_is_refused() {
    let dynamics = Dynamics::published();
    let said = |clip: &[Vec<f64>]| format!("{:#}", dynamics.describe(clip).unwrap_err());
    assert_eq!(dynamics.shortest(), 6);
    assert!(said(&[]).contains("no series"));
    assert!(said(&[vec![1.0; 5]]).contains("5 samples is too short to be described: it needs at least 6"));
    assert!(dynamics.describe(&[series(0, 6)]).is_ok());
    assert!(said(&[vec![1.0; 9], vec![1.0; 8]]).contains("series 2 has 8 samples and the first 9"));
    let mut gap = vec![1.0; 9];
    gap[3] = f64::NAN;
    assert!(said(&[vec![1.0; 9], gap]).contains("series 2: sample 4"));
    let coarse = Dynamics { rate: 1.5, ..dynamics };
    assert!(coarse.describe(&[vec![1.0; 9]]).unwrap_err().to_string().contains("half of the rate"));
    assert!(one_hot(6, 6).unwrap_err().to_string().contains("code 6 of 6"));
}
