//! Sets of posed expressions whose files are named after who shows what: JAFFE and KDEF.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use ferrotype_base::text::listed;

use super::names::owned;
use super::pictures::{self, Picture, Reading, Want, file_name};
use crate::listing::below;
use crate::options::{JaffeOptions, KdefAngles, KdefOptions};
use crate::picture::files::{Sorted, sort};
use crate::{FaceSet, Split};

/// So many file names are listed in messages and notes.
const LISTED: usize = 10;
/// The expressions of both sets: codes in the names of files, and FER2013's names of them.
const EXPRESSIONS: [(&str, &str); 7] = [
    ("AN", "angry"),
    ("DI", "disgust"),
    ("FE", "fear"),
    ("HA", "happy"),
    ("NE", "neutral"),
    ("SA", "sad"),
    ("SU", "surprise"),
];
/// Two files of KDEF whose names say nothing, and what they are: in its table the combinations that are missing.
const KDEF_MISNAMED: [(&str, &str); 2] = [("AF31V", "AF31SAHL"), ("AM31H", "AM31SUHR")];
/// KDEF's angles: full and half profiles of both sides, and straight.
const KDEF_ANGLES: [&str; 5] = ["FL", "HL", "S", "HR", "FR"];

/// What a file's name says.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Named {
    subject: String,
    /// A place of [`EXPRESSIONS`].
    label: i16,
    /// Whether the picture is wanted.
    wanted: bool,
}

/// A set whose pictures say by their names what they show.
struct Form<'a> {
    name: &'a str,
    /// A name as they are.
    example: &'a str,
    /// Reads a name, without its ending and in capitals.
    read: &'a dyn Fn(&str) -> Option<Named>,
    /// So many pictures of so many people there are.
    expected: (usize, usize),
}

/// JAFFE (Lyons, Akamatsu, Kamachi and Gyoba 1998): `KA.AN1.39.tiff`, the person, expression and number of the pose, and a
/// running number.
pub(super) fn jaffe(options: &JaffeOptions, reading: &Reading) -> Result<FaceSet> {
    let want = Want {
        margin: options.margin,
        ..Want::whole(options.size, None, options.skip_bad, options.max_pixels).with(reading)
    };
    let form = Form { name: "JAFFE", example: "KA.AN1.39.tiff", read: &jaffe_name, expected: (213, 10) };
    load(&form, &options.root, &want)
}

/// KDEF (Lundqvist, Flykt and Öhman 1998): `AF01/AF01ANS.JPG`, the session, sex, number of the person, expression and angle.
/// Both sessions show the same people: the subject is `F01`.
pub(super) fn kdef(options: &KdefOptions, reading: &Reading) -> Result<FaceSet> {
    let want = Want {
        margin: options.margin,
        ..Want::whole(options.size, options.colour, options.skip_bad, options.max_pixels).with(reading)
    };
    let read = |name: &str| kdef_name(name, options.angles);
    let angles = options.angles.codes().len();
    let form = Form { name: "KDEF", example: "AF01ANS.JPG", read: &read, expected: (980 * angles, 70) };
    load(&form, &options.root, &want)
}

fn jaffe_name(name: &str) -> Option<Named> {
    let mut parts = name.split('.');
    let (subject, pose) = (parts.next()?, parts.next()?);
    let is_subject = subject.len() == 2 && subject.bytes().all(|b| b.is_ascii_uppercase());
    let (code, number) = pose.split_at_checked(2)?;
    (is_subject && number.bytes().all(|b| b.is_ascii_digit()))
        .then(|| Some(Named { subject: subject.into(), label: expression(code)?, wanted: true }))?
}

fn kdef_name(name: &str, angles: KdefAngles) -> Option<Named> {
    let name = KDEF_MISNAMED.iter().find(|(wrong, _)| *wrong == name).map_or(name, |(_, right)| right);
    let (person, rest) = name.split_at_checked(4)?;
    let (code, angle) = rest.split_at_checked(2)?;
    let (session, subject) = person.split_at(1);
    let (sex, number) = subject.split_at_checked(1)?;
    let known = ["A", "B"].contains(&session)
        && ["F", "M"].contains(&sex)
        && number.parse::<u8>().is_ok_and(|n| (1..=35).contains(&n))
        && KDEF_ANGLES.contains(&angle);
    // Afraid, where JAFFE has fear.
    let code = if code == "AF" { "FE" } else { code };
    let wanted = angles.codes().contains(&angle);
    known.then(|| Some(Named { subject: subject.into(), label: expression(code)?, wanted }))?
}

fn expression(code: &str) -> Option<i16> {
    EXPRESSIONS.iter().position(|(known, _)| *known == code).map(|at| at as i16)
}

impl KdefAngles {
    /// The codes in the names of files.
    fn codes(self) -> &'static [&'static str] {
        match self {
            Self::Straight => &["S"],
            Self::Half => &["HL", "S", "HR"],
            Self::All => &KDEF_ANGLES,
        }
    }
}

/// Reads all pictures below a folder.
fn load(form: &Form, root: &Path, want: &Want) -> Result<FaceSet> {
    let sorted = sort(below(root)?);
    let (mut all, mut unknown) = (Vec::new(), Vec::new());
    for path in &sorted.pictures {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().to_uppercase();
        match (form.read)(&name) {
            Some(named) if named.wanted => {
                let mut picture = Picture::new(path.clone(), named.label, Split::Unassigned, all.len());
                picture.name = file_name(path);
                picture.subject = named.subject;
                all.push(picture);
            }
            Some(_) => {}
            None => unknown.push(path.display().to_string()),
        }
    }
    let mut notes = vec![format!("folder {}", root.display())];
    if !unknown.is_empty() {
        let said = format!("{} pictures are not named as {} are ({})", unknown.len(), form.name, form.example);
        let named = listed(&unknown, LISTED);
        ensure!(
            want.skip_bad,
            "{said}: {named}. Is {} the folder of {}? Remove what is not of it, or pass --skip-bad (in an experiment file: \
             skip_bad: true) to leave these out",
            root.display(),
            form.name
        );
        notes.push(format!("{said} and were left out (skip_bad): {named}"));
    }
    if all.is_empty() {
        bail!("{} has no pictures named as those of {} are ({})", root.display(), form.name, form.example);
    }
    twice(&all).with_context(|| format!("in {}", root.display()))?;
    notes.extend(Sorted { pictures: Vec::new(), others: sorted.others }.note());
    let classes: Vec<&str> = EXPRESSIONS.iter().map(|(_, name)| *name).collect();
    let mut faces = pictures::read(all, owned(&classes), want)?;
    let (pictures, people) = form.expected;
    let mut subjects = faces.subjects.clone().unwrap_or_default();
    subjects.sort();
    subjects.dedup();
    if (faces.len(), subjects.len()) != (pictures, people) {
        notes.push(format!(
            "{} pictures of {} people; the whole set has {pictures} of {people}",
            faces.len(),
            subjects.len()
        ));
    }
    pictures::drop_empty_classes(&mut faces);
    faces.provenance.notes.splice(0..0, notes);
    Ok(faces)
}

/// Refuses two copies of a picture: a set unpacked twice, or one folder of cut out faces in another.
fn twice(all: &[Picture]) -> Result<()> {
    let mut names: Vec<(&str, &Path)> = all.iter().map(|p| (p.name.as_str(), p.path.as_path())).collect();
    names.sort();
    match names.windows(2).find(|pair| pair[0].0.eq_ignore_ascii_case(pair[1].0)) {
        Some(pair) => bail!(
            "the picture {} is there twice: {} and {}; keep one copy of the set",
            pair[0].0,
            pair[0].1.display(),
            pair[1].1.display()
        ),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use image::{GrayImage, RgbImage};

    use super::*;

    fn jaffe_options(root: &Path) -> JaffeOptions {
        serde_json::from_value(serde_json::json!({"root": root})).unwrap()
    }

    fn kdef_options(root: &Path) -> KdefOptions {
        serde_json::from_value(serde_json::json!({"root": root})).unwrap()
    }

    fn grey(root: &Path, name: &str, value: u8) {
        std::fs::create_dir_all(root).unwrap();
        GrayImage::from_pixel(16, 16, image::Luma([value])).save(root.join(name)).unwrap();
    }

    fn colour(root: &Path, name: &str) {
        let folder = root.join(&name[..4]);
        std::fs::create_dir_all(&folder).unwrap();
        RgbImage::from_pixel(12, 18, image::Rgb([200, 150, 90])).save(folder.join(name)).unwrap();
    }

    #[test]
    fn jaffe_is_read_by_its_names() {
        let dir = tempfile::tempdir().unwrap();
        for (i, name) in ["KA.AN1.39.tiff", "KA.NE3.28.tiff", "YM.SU2.61.tiff", "NA.FE2.203.tiff"].iter().enumerate() {
            grey(dir.path(), name, 40 * i as u8);
        }
        std::fs::write(dir.path().join("README"), "JAFFE").unwrap();
        let faces = jaffe(&jaffe_options(dir.path()), &Reading::default()).unwrap();
        assert_eq!(faces.names, ["KA.AN1.39.tiff", "KA.NE3.28.tiff", "NA.FE2.203.tiff", "YM.SU2.61.tiff"]);
        let classes: Vec<&str> = faces.labels.iter().map(|&l| faces.classes[l as usize].as_str()).collect();
        assert_eq!(classes, ["angry", "neutral", "fear", "surprise"]);
        assert_eq!(faces.subjects.as_deref().unwrap(), ["KA", "KA", "NA", "YM"]);
        assert_eq!((faces.images.channels, faces.images.get(1)[0]), (1, 40));
        let notes = faces.provenance.notes.join("; ");
        assert!(notes.contains("4 pictures of 3 people; the whole set has 213 of 10"), "{notes}");
        assert!(notes.contains("README") && notes.contains("left out: disgust, happy, sad"), "{notes}");
    }

    #[test]
    fn kdef_tells_people_not_sessions() {
        let dir = tempfile::tempdir().unwrap();
        let names = ["AF01ANS.JPG", "BF01HAS.JPG", "AM35AFFL.JPG", "BM02NEHR.JPG", "AF31V.JPG", "AM31H.JPG"];
        names.iter().for_each(|name| colour(dir.path(), name));
        let of = |angles| kdef(&KdefOptions { angles, ..kdef_options(dir.path()) }, &Reading::default()).unwrap();
        let straight = of(KdefAngles::Straight);
        assert_eq!(straight.subjects.unwrap(), ["F01", "F01"]);
        assert_eq!((straight.images.height, straight.images.width, straight.images.channels), (18, 12, 3));
        let half = of(KdefAngles::Half);
        assert_eq!(half.names, ["AF01ANS.JPG", "AF31V.JPG", "AM31H.JPG", "BF01HAS.JPG", "BM02NEHR.JPG"]);
        let classes: Vec<&str> = half.labels.iter().map(|&l| half.classes[l as usize].as_str()).collect();
        assert_eq!(classes, ["angry", "sad", "surprise", "happy", "neutral"]);
        let all = of(KdefAngles::All);
        assert_eq!((all.len(), all.subjects.unwrap()[3].as_str()), (6, "M35"));
        assert_eq!(all.classes, ["angry", "fear", "happy", "neutral", "sad", "surprise"]);
    }

    #[test]
    fn other_pictures_and_copies_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let prepare = |skip_bad| kdef(&KdefOptions { skip_bad, ..kdef_options(dir.path()) }, &Reading::default());
        assert!(prepare(false).unwrap_err().to_string().contains("no pictures named as those of KDEF"));
        for name in ["AF01ANS.JPG", "AF36ANS.JPG", "CF01ANS.JPG", "AF01XXS.JPG", "AF01ANX.JPG", "AF01.JPG", "é.JPG"] {
            std::fs::create_dir_all(dir.path().join("AF01")).unwrap();
            RgbImage::from_pixel(12, 18, image::Rgb([1, 2, 3])).save(dir.path().join("AF01").join(name)).unwrap();
        }
        let error = prepare(false).unwrap_err().to_string();
        assert!(error.contains("6 pictures are not named as KDEF are") && error.contains("AF36ANS.JPG"), "{error}");
        let faces = prepare(true).unwrap();
        assert!(faces.len() == 1 && faces.provenance.notes.iter().any(|n| n.contains("left out (skip_bad)")));
        std::fs::create_dir_all(dir.path().join("copy")).unwrap();
        std::fs::copy(dir.path().join("AF01/AF01ANS.JPG"), dir.path().join("copy/AF01ANS.JPG")).unwrap();
        let error = format!("{:#}", prepare(true).unwrap_err());
        assert!(error.contains("AF01ANS.JPG is there twice"), "{error}");
        grey(&dir.path().join("j"), "KA.AN1.39.tiff", 3);
        grey(&dir.path().join("j"), "KAT.AN1.39.tiff", 3);
        let options = jaffe_options(&dir.path().join("j"));
        assert!(jaffe(&options, &Reading::default()).unwrap_err().to_string().contains("KAT.AN1.39.tiff"));
    }
}
