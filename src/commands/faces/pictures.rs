//! The aligned faces as files: all of them, and person by person.

use std::path::Path;

use anyhow::Result;

use ferrotype_anomaly::people::People;
use ferrotype_run::files::explain;
use ferrotype_vision::faces::Photo;

/// Writes `aligned_faces/frame_<n>_person_<k>.png` and `organized_faces/person_<k>/frame_<n>.png`.
///
/// # Errors
/// When a file cannot be written.
pub fn write(folder: &Path, people: &People) -> Result<()> {
    let aligned = folder.join("aligned_faces");
    make(&aligned)?;
    for (i, person) in people.persons.iter().enumerate() {
        let own = folder.join("organized_faces").join(format!("person_{}", i + 1));
        make(&own)?;
        for (row, frame) in person.frames.iter().enumerate() {
            let f = &person.faces;
            let photo = Photo::new(f.get(row).to_vec(), f.height, f.width, f.channels)?;
            photo.save_png(&aligned.join(format!("frame_{frame}_person_{}.png", i + 1)))?;
            photo.save_png(&own.join(format!("frame_{frame}.png")))?;
        }
    }
    Ok(())
}

fn make(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(|e| explain(folder, &e))
}
