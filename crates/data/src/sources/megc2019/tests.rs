use std::fmt::Write;

use super::*;

/// A composite of the published counts: pictures whose first pixel says which clip they are of.
fn generate(root: &Path, published: bool) -> Vec<Clip> {
    let mut clips = Vec::new();
    for (dataset, count, subjects, classes) in PUBLISHED {
        let labels = (0..3i16).flat_map(|c| vec![c; classes[c as usize]]);
        for (i, label) in labels.enumerate().take(count) {
            let subject = format!("{}{:02}", &dataset[..2], i % subjects);
            clips.push(Clip { dataset: dataset.into(), subject, clip: format!("c{i:03}"), label, row: clips.len() });
        }
    }
    let picture = |row: usize| RgbImage::from_pixel(28, 28, image::Rgb([(row % 251) as u8, (row / 251) as u8, 7]));
    let columns = if published { "dataset,sub,filename_o,label" } else { "dataset,subject,clip,label" };
    let mut table = format!("{columns}\n");
    for clip in &clips {
        writeln!(table, "{},{},{},{}", clip.dataset, clip.subject, clip.clip, clip.label).unwrap();
    }
    if published {
        std::fs::write(root.join("combined_3_class2_for_optical_flow.csv"), table).unwrap();
        let folder = root.join("datasets/STSNet_whole_norm_u_v_os");
        std::fs::create_dir_all(&folder).unwrap();
        for clip in &clips {
            picture(clip.row).save(folder.join(format!("{}_{} .png", clip.subject, clip.clip))).unwrap();
        }
    } else {
        std::fs::write(root.join("rows.csv"), table).unwrap();
        let mut sheet = RgbImage::new(616, 588);
        for clip in &clips {
            let (x, y) = (clip.row % COLUMNS * SIDE, clip.row / COLUMNS * SIDE);
            image::imageops::replace(&mut sheet, &picture(clip.row), x as i64, y as i64);
        }
        sheet.save(root.join("flow_442.png")).unwrap();
    }
    clips
}

fn read(root: &Path) -> Result<FaceSet> {
    load(&Megc2019Options { root: root.to_path_buf() })
}

#[test]
fn both_forms_give_the_same_rows_in_the_recipes_order() {
    let [published, sheet] = [true, false].map(|form| {
        let folder = tempfile::tempdir().unwrap();
        let clips = generate(folder.path(), form);
        (read(folder.path()).unwrap(), clips)
    });
    let (faces, clips) = &published;
    assert_eq!(faces.images, sheet.0.images);
    assert_eq!((faces.len(), faces.groups.as_ref().unwrap().iter().filter(|g| *g == "samm").count()), (442, 133));
    assert_eq!((&faces.labels, &faces.subjects, &faces.names), (&sheet.0.labels, &sheet.0.subjects, &sheet.0.names));
    for (row, &source) in faces.source_rows.iter().enumerate() {
        let clip = &clips[source as usize];
        let pixel = &faces.images.pixels[row * 28 * 28 * 3..][..2];
        assert_eq!((pixel, faces.labels[row]), (&[(source % 251) as u8, (source / 251) as u8][..], clip.label));
    }
    let keys: Vec<_> = (0..442).map(|i| (faces.subjects.as_ref().unwrap()[i].clone(), faces.labels[i])).collect();
    assert!(keys.is_sorted());
}

#[test]
fn what_is_not_the_composite_is_said_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let said = |text: &str, new: &str| {
        generate(folder.path(), false);
        let table = folder.path().join("rows.csv");
        let old = std::fs::read_to_string(&table).unwrap();
        assert!(old.contains(text), "{text}");
        std::fs::write(&table, old.replacen(text, new, 1)).unwrap();
        format!("{:#}", read(folder.path()).unwrap_err())
    };
    assert!(said("smic,sm00,c000,0", "smic,sm00,c000,3").contains("line 2: the label is \"3\""));
    assert!(said("smic,sm00,c000,0", "smic,sm00,c000,1").contains("[69, 52, 43]"));
    assert!(said("smic,sm00,c000,0", "casme,sm00,c000,0").contains("smic, casme2 or samm"));
    assert!(said("smic,sm00,c016,0", "smic,SM00,c016,0").contains("line 18: the subject SM00 stands there as sm00"));
    assert!(said("smic,sm00,c016,0", "smic,sm00,c000,0").contains("twice"));
    let empty = tempfile::tempdir().unwrap();
    assert!(format!("{:#}", read(empty.path()).unwrap_err()).contains("flow_442.png"));
    generate(folder.path(), true);
    std::fs::remove_file(folder.path().join("rows.csv")).unwrap();
    std::fs::remove_file(folder.path().join("datasets/STSNet_whole_norm_u_v_os/sm00_c000 .png")).unwrap();
    assert!(format!("{:#}", read(folder.path()).unwrap_err()).contains("the picture of smic/sm00/c000 is missing"));
}
