//! What is written is read back to the bit; damaged and foreign bytes are errors, quickly and without large allocations.

use ferrotype_base::random::Stream;

use super::*;
use crate::example;

fn linear(stream: &mut Stream, length: usize) -> Linear {
    let mut numbers = || (0..length).map(|_| stream.normal()).collect::<Vec<f64>>();
    Linear { means: numbers(), weights: numbers(), bias: -0.25 }
}

fn examples() -> (Svr, Svr, Svm) {
    let mut stream = Stream::new(1);
    let mut next = || linear(&mut stream, 50);
    (
        Svr { linear: next(), cutoff: None },
        Svr { linear: next(), cutoff: Some(0.65) },
        Svm { linear: next(), dynamic: true, positive: 0.0, negative: 1.0 },
    )
}

#[test]
fn what_is_written_is_read_back() {
    let (fixed, moving, machine) = examples();
    for svr in [fixed, moving] {
        assert_eq!(Svr::parse(&svr.to_bytes()).unwrap(), svr);
    }
    assert_eq!(Svm::parse(&machine.to_bytes()).unwrap(), machine);
    let shape = example::shape_file(3);
    assert_eq!(parse_shape_model(format_shape_model(&shape).as_bytes()).unwrap(), shape);
    let triangles = example::triangles();
    assert_eq!(parse_triangles(format_triangles(&triangles).as_bytes()).unwrap(), triangles);
    let list = parse_list(b"# remark\n\nsvm_combined\\AU_1_static.dat AU01\r\nsvr_combined/a.dat AU45").unwrap();
    assert_eq!(format_list(&list), "svm_combined/AU_1_static.dat AU01\nsvr_combined/a.dat AU45\n");
    assert_eq!((list[1].unit, list[1].is_intensity, list[0].is_intensity), (45, true, false));
}

/// A file of 3 features, byte for byte as the format is described.
#[test]
fn the_layout_is_that_of_the_description() {
    let mut bytes = vec![1, 0, 0, 0];
    bytes.extend(0.5f64.to_le_bytes());
    bytes.extend([1, 0, 0, 0, 2, 0, 0, 0, 6, 0, 0, 0]);
    [3.0f64, 4.0].iter().for_each(|v| bytes.extend(v.to_le_bytes()));
    bytes.extend([2, 0, 0, 0, 1, 0, 0, 0, 6, 0, 0, 0]);
    [5.0f64, 6.0, 7.0].iter().for_each(|v| bytes.extend(v.to_le_bytes()));
    let linear = Linear { means: vec![3.0, 4.0], weights: vec![5.0, 6.0], bias: 7.0 };
    assert_eq!(Svr::parse(&bytes).unwrap(), Svr { linear, cutoff: Some(0.5) });
}

fn message<T: std::fmt::Debug>(result: Result<T>) -> String {
    format!("{:#}", result.unwrap_err())
}

#[test]
fn errors_say_what_is_wrong() {
    let (svr, _, svm) = examples();
    assert!(message(Svr::parse(&svm.to_bytes())).contains("presence"));
    assert!(message(Svm::parse(&svr.to_bytes())).contains("intensity"));
    assert!(message(Svr::parse(b"")).contains("cut off"));
    assert!(message(Svr::parse(&[svr.to_bytes(), vec![0]].concat())).contains("1 bytes follow"));
    let mut huge = svr.to_bytes();
    huge[4..12].copy_from_slice(&[0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff, 0x7f]);
    assert!(message(Svr::parse(&huge)).contains("2147483647"), "{}", message(Svr::parse(&huge)));
    let infinite = Svr { linear: Linear { bias: f64::INFINITY, ..svr.linear.clone() }, cutoff: None };
    assert!(message(Svr::parse(&infinite.to_bytes())).contains("bias is inf"));
    let third = Svm { positive: 2.0, ..svm };
    assert!(message(Svm::parse(&third.to_bytes())).contains("classes are 2 and 1"));
    assert!(message(parse_list(b"svr_combined/a.dat AU01\nsvr_combined/b.dat AU01")).contains("line 2: AU01"));
    assert!(message(parse_list(b"svr_combined/../../a.dat AU01")).contains("leaves its folder"));
    assert!(message(parse_list(b"else/a.dat AU01")).contains("neither"));
    assert!(message(parse_list(b"svr_combined/a.dat AU300")).contains("no action unit"));
    assert!(message(parse_triangles(b"1\n3\n4\n1 2 68")).contains("corner 68"));
    assert!(message(parse_triangles(b"4000000000\n3\n4\n1 2 6")).contains("4000000000"));
    assert!(message(parse_shape_model(b"204\n1\n6\n1.0 x")).contains("`x`"));
    let folder = tempfile::tempdir().unwrap();
    let missing = message(read(&folder.path().join("AU_1_static.dat"), Svm::parse));
    assert!(missing.contains("AU_1_static.dat does not exist"), "{missing}");
    std::fs::write(folder.path().join("a.dat"), "version https://git-lfs.github.com/spec/v1\nsize 9\n").unwrap();
    assert!(message(read(&folder.path().join("a.dat"), Svm::parse)).contains("Git LFS pointer"));
}

/// Every parser, handed the same bytes: whether one of them took them.
fn any_takes(bytes: &[u8]) -> bool {
    let binary = Svr::parse(bytes).is_ok() || Svm::parse(bytes).is_ok();
    binary || parse_shape_model(bytes).is_ok() || parse_triangles(bytes).is_ok() || parse_list(bytes).is_ok()
}

#[test]
fn damaged_files_are_errors_and_never_panics() {
    let (fixed, moving, machine) = examples();
    let mut stream = Stream::new(9);
    for file in [fixed.to_bytes(), moving.to_bytes(), machine.to_bytes()] {
        assert!(any_takes(&file));
        // No beginning of such a file is one.
        assert!((0..file.len()).all(|end| !any_takes(&file[..end])));
        for bit in 0..file.len() * 8 {
            let mut damaged = file.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            any_takes(&damaged);
        }
    }
    let shape = format_shape_model(&example::shape_file(3)).into_bytes();
    let list = b"svm_combined/AU_1_static.dat AU01\nsvr_combined/a.dat AU45".to_vec();
    for file in [format_triangles(&example::triangles()).into_bytes(), list, shape] {
        for _ in 0..600 {
            let mut damaged = file[..stream.below(file.len() + 1)].to_vec();
            if !damaged.is_empty() && stream.chance(0.8) {
                let at = stream.below(damaged.len().min(200));
                damaged[at] ^= 1 << stream.below(8);
            }
            any_takes(&damaged);
        }
    }
}
