//! Tables, names and warnings.

use super::files::{self, find};
use super::pictures::doubt;
use super::table::{Row, line, table};
use super::*;
use ferrotype_data::picture::MAX_PIXELS;
use ferrotype_data::preprocess::Picture;
use ferrotype_vision::faces::Bounds;

fn row(found: Option<FaceBox>) -> Row {
    Row { path: "a b,c.png".into(), found, values: vec![0.25, 0.75], class: 1 }
}

fn found() -> Option<FaceBox> {
    let bounds = Bounds { left: 10.0, top: -2.5, right: 30.0, bottom: 20.0 };
    Some(FaceBox { number: 2, bounds, score: 0.875 })
}

fn classes() -> Vec<String> {
    vec!["happy".into(), "sad".into()]
}

#[test]
fn the_table_says_where_a_face_was_found() {
    let text = |rows: &[Row], finds| String::from_utf8(table(rows, &classes(), finds).unwrap()).unwrap();
    assert_eq!(
        text(&[row(found())], true),
        "path,face,left,top,width,height,score,prediction,confidence,happy,sad\n\
         \"a b,c.png\",2,10.00,-2.50,20.00,22.50,0.875000,sad,0.75,0.25,0.75\n"
    );
    assert_eq!(text(&[row(None)], false), "path,prediction,confidence,happy,sad\n\"a b,c.png\",sad,0.75,0.25,0.75\n");
    assert_eq!(text(&[], true), "path,face,left,top,width,height,score,prediction,confidence,happy,sad\n");
}

#[test]
fn the_likeliest_class_comes_first() {
    assert_eq!(line(&row(None), &classes()), "a b,c.png  sad 75.0 %  happy 25.0 %");
    assert!(line(&row(found()), &classes()).contains("face 2 at 10,-2 of 20 x 22"));
}

#[test]
fn files_are_found_and_missing_ones_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::create_dir_all(at("in/deep")).unwrap();
    std::fs::create_dir_all(at("empty")).unwrap();
    for name in ["in/b.JPG", "in/a.png", "in/deep/c.jpeg", "in/no.txt", "x.bin"] {
        std::fs::write(at(name), "").unwrap();
    }
    let files::InputFiles { files, bad, note } = find(&[at("in"), at("gone.png"), at("x.bin"), at("empty")]);
    assert_eq!(files, [at("in/a.png"), at("in/b.JPG"), at("in/deep/c.jpeg"), at("x.bin")]);
    assert_eq!(bad.len(), 2);
    assert!(note.unwrap().contains("no.txt"));
    assert!(bad[0].contains("gone.png") && bad[1].contains("holds no pictures"), "{bad:?}");
}

#[test]
fn crops_of_one_name_do_not_replace_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let pictures = ["in/happy/x.png", "in/sad/x.png", "in/sad/x.jpg", "in/sad/y.png"].map(PathBuf::from);
    let out = folder.path().join("seen");
    let mut crops = CropFolder::make("--save-crops", &out, &pictures, Inputs::new()).unwrap();
    let face = |path: &str, found| Face { path: path.into(), found, crop: Photo::new(vec![0; 12], 2, 2, 3).unwrap() };
    let planes: Vec<f32> = [0.0, 0.4, 0.6, 300.0].iter().cycle().take(12).copied().collect();
    // Not in the order of the list: a name does not depend on who comes first.
    let given = [("in/sad/x.png", None), ("in/happy/x.png", None), ("in/sad/x.jpg", None), ("in/happy/x.png", found())];
    for (path, found) in given.into_iter().chain([("in/sad/y.png", None), ("in/sad/y.png", None)]) {
        crops.save(&face(path, found), &planes, [3, 2, 2]).unwrap();
    }
    assert_eq!(std::fs::read_dir(&out).unwrap().count(), 6);
    for name in ["happy_x.png", "sad_x.png.png", "sad_x.jpg.png", "happy_x-face2.png", "y.png", "y-2.png"] {
        let photo = Photo::open(&folder.path().join("seen").join(name), MAX_PIXELS).unwrap();
        assert_eq!(photo.pixels(), [0, 0, 0, 0, 0, 0, 1, 1, 1, 255, 255, 255], "{name}");
    }
}

#[test]
fn a_strip_is_no_face_crop() {
    let pixels = vec![7; 21 * 10];
    let doubt = |h, w| doubt(&Picture::new(&pixels[..h * w], h, w, 1).unwrap(), None);
    assert_eq!(doubt(10, 20), None);
    assert!(doubt(10, 21).unwrap().contains("21 x 10"));
    assert!(doubt(21, 10).is_some());
}
