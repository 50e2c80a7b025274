//! Small folders in the official forms of the datasets with action units, valence and arousal, and what `analyze --crops` writes:
//! five people of four frames each.

use std::fmt::Write;
use std::path::Path;

use ferrotype::run::numpy::Array;

use super::common::Place;

const PEOPLE: usize = 5;
const FRAMES: usize = 4;

/// All of them.
pub fn write(place: &Place) {
    disfa(place);
    bp4d(place);
    ck_plus(place);
    afew_va(place);
    aff_wild2(place);
    affectnet(place);
    machine_labelled(place);
}

/// A picture of stripes that differ from person to person and from frame to frame.
fn picture(place: &Place, name: impl AsRef<Path>, person: usize, frame: usize) {
    let path = place.at(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let pixel = |x: u32, y: u32| {
        let value = (x as usize * (person + 2) * 7 + y as usize * (frame + 1) * 5 + person * 31) % 256;
        image::Rgb([value as u8, 255 - value as u8, (40 * frame) as u8])
    };
    image::RgbImage::from_fn(40, 40, pixel).save(path).unwrap();
}

fn disfa(place: &Place) {
    for person in 0..PEOPLE {
        let subject = format!("SN{:03}", person + 1);
        for unit in [1, 2, 4, 5, 6, 9, 12, 15, 17, 20, 25, 26] {
            let text: String = (1..=FRAMES).map(|n| format!("{n},{}\n", (n + unit + person) % 6)).collect();
            place.write(format!("DISFA/ActionUnit_Labels/{subject}/{subject}_au{unit}.txt"), text);
        }
        (1..=FRAMES).for_each(|n| picture(place, format!("DISFA/frames/{subject}/{n:05}.jpg"), person, n));
    }
}

fn bp4d(place: &Place) {
    let units = [1, 2, 4, 6, 7, 10, 12, 14, 15, 17, 23, 24];
    for person in 0..PEOPLE {
        let subject = format!("F{:03}", person + 1);
        let header: String = units.iter().map(|unit| format!(",{unit}")).collect();
        let mut text = format!("0{header}\n");
        for n in 1..=FRAMES {
            // Every seventh code is not known.
            let code = |unit: &i32| match (*unit as usize + n + person) % 7 {
                0 => ",9".to_owned(),
                n => format!(",{}", n % 2),
            };
            writeln!(text, "{n}{}", units.iter().map(code).collect::<String>()).unwrap();
            picture(place, format!("BP4D/Sequences(2D+3D)/{subject}/T1/{n:04}.jpg"), person, n);
        }
        place.write(format!("BP4D/AUCoding/AU_OCC/{subject}_T1.csv"), text);
        for unit in [6, 10, 12, 14, 17] {
            let text: String = (1..=FRAMES).map(|n| format!("{n},{}\n", (n + unit + person) % 6)).collect();
            place.write(format!("BP4D/AUCoding/AU_INT/AU{unit:02}/{subject}_T1_AU{unit:02}.csv"), text);
        }
    }
}

fn ck_plus(place: &Place) {
    for person in 0..PEOPLE {
        for number in 1..=2 {
            let (sequence, stem) = (format!("S{person:03}/{number:03}"), format!("S{person:03}_{number:03}"));
            for n in [1, 2] {
                picture(place, format!("CK+/cohn-kanade-images/{sequence}/{stem}_{n:08}.png"), person, n + 2 * number);
                let points = "   5.0000000e+00   6.0000000e+00\n   3.3000000e+01   3.4000000e+01\n";
                place.write(format!("CK+/Landmarks/{sequence}/{stem}_{n:08}_landmarks.txt"), points);
            }
            let units = format!("   {}.0000000e+00   0.0000000e+00\n   1.2000000e+01   3.0000000e+00\n", person + 1);
            place.write(format!("CK+/FACS/{sequence}/{stem}_00000002_facs.txt"), units);
            if number == 1 {
                let emotion = format!("   {}.0000000e+00\n", person + 1);
                place.write(format!("CK+/Emotion/{sequence}/{stem}_00000002_emotion.txt"), emotion);
            }
        }
    }
}

fn afew_va(place: &Place) {
    for person in 0..PEOPLE {
        let clip = format!("{:03}", person + 1);
        let frames: Vec<String> = (0..FRAMES)
            .map(|n| {
                let (valence, arousal) = ((n * 3 + person) % 21, (n * 5 + 2 * person) % 21);
                format!(
                    "\"{n:05}\": {{\"landmarks\": [[5, 6], [33, 34]], \"valence\": {}, \"arousal\": {}}}",
                    valence as i32 - 10,
                    arousal as i32 - 10
                )
            })
            .collect();
        let text =
            format!("{{\"actor\": \"A{person}\", \"video_id\": \"{clip}\", \"frames\": {{{}}}}}", frames.join(", "));
        place.write(format!("AFEW-VA/{clip}/{clip}.json"), text);
        (0..FRAMES).for_each(|n| picture(place, format!("AFEW-VA/{clip}/{n:05}.png"), person, n));
    }
}

fn aff_wild2(place: &Place) {
    for person in 0..PEOPLE {
        let set = if person < 3 { "Train_Set" } else { "Validation_Set" };
        let mut text = String::from("valence,arousal\n");
        for n in 0..FRAMES {
            writeln!(text, "{},{}", (n as f32 - 1.5) / 2.0, (person as f32 - n as f32) / 8.0).unwrap();
        }
        // The config takes every tenth frame: each of these stands for ten.
        for n in 1..=10 * FRAMES {
            picture(place, format!("Aff-Wild2/cropped_aligned/v{person}/{n:05}.jpg"), person, n % 7);
        }
        let lines: String = text.lines().skip(1).map(|line| format!("{line}\n").repeat(10)).collect();
        let text = format!("valence,arousal\n{lines}");
        place.write(format!("Aff-Wild2/annotations/VA_Estimation_Challenge/{set}/v{person}.txt"), text);
    }
}

fn affectnet(place: &Place) {
    for (set, count) in [("train_set", 24), ("val_set", 8)] {
        for n in 0..count {
            picture(place, format!("AffectNet/{set}/images/{n}.jpg"), n % PEOPLE, n / PEOPLE + count);
            let of = |kind: &str, value: String| {
                place.write(format!("AffectNet/{set}/annotations/{n}_{kind}.npy"), Array::text(&[value]).npy());
            };
            of("exp", (n % 8).to_string());
            of("val", format!("{}", (n as f32 - 12.0) / 16.0));
            of("aro", format!("{}", (12.0 - n as f32) / 24.0));
        }
    }
}

/// What `ferrotype analyze --crops` writes of videos with action units.
fn machine_labelled(place: &Place) {
    let units = [1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 25, 26, 45];
    let header: String = units.iter().map(|unit| format!(",AU{unit:02}_r")).collect();
    let mut table = format!("path,subject,frame{header}\n");
    for person in 0..PEOPLE {
        for frame in 0..FRAMES {
            let path = format!("video_{person}/crops/{frame:06}_0.png");
            picture(place, format!("machine/{path}"), person, frame);
            let values: String =
                units.iter().map(|unit| format!(",{:.4}", ((unit + frame + person) % 6) as f64 * 0.9)).collect();
            writeln!(table, "{path},video_{person}/0,{frame}{values}").unwrap();
        }
    }
    place.write("machine/crops.csv", table);
}
