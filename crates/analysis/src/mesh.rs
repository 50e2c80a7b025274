//! MediaPipe's face mesh as a part of an analysis: blendshapes as if they were a head, and landmarks for the others.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use ferrotype_base::problems::Problems;
use ferrotype_base::targets::{Head as TargetHead, TargetKind};
use ferrotype_face_mesh::{FaceMesh, Mesh, MeshFiles, Picture, blendshapes, ibug};
use ferrotype_vision::faces::{Detection, Landmarks, Photo};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::options::AnalysisOptions;
use crate::parts::PartFacts;

/// What `parts.landmarks` is where the landmarks are to be those of the mesh.
pub const FROM_MESH: &str = "mesh";
/// The name under which blendshapes stand among the heads.
pub const BLENDSHAPES: &str = "blendshapes";

/// The ONNX files of MediaPipe's face mesh.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MeshOptions {
    /// A folder that holds mp_face_detector.onnx, mp_face_landmarks_detector.onnx and, for blendshapes, mp_face_blendshapes.onnx;
    /// in place of the other keys.
    pub folder: Option<PathBuf>,
    /// MediaPipe's short-range detector, which says where in a face's box the mesh lies.
    pub detector: Option<PathBuf>,
    /// The mesh of 478 points.
    pub landmarks: Option<PathBuf>,
    /// The 52 blendshapes. Without them faces have a mesh alone.
    pub blendshapes: Option<PathBuf>,
}

impl MeshOptions {
    /// Of a folder.
    pub fn of_folder(folder: &Path) -> Self {
        Self { folder: Some(folder.to_path_buf()), ..Self::default() }
    }

    fn files(&self) -> Result<MeshFiles> {
        match (&self.folder, &self.detector, &self.landmarks) {
            (Some(folder), ..) => MeshFiles::in_folder(folder),
            (None, Some(detector), Some(landmarks)) => Ok(MeshFiles {
                detector: detector.clone(),
                landmarks: landmarks.clone(),
                blendshapes: self.blendshapes.clone(),
            }),
            _ => anyhow::bail!("parts.mesh needs a folder, or detector and landmarks"),
        }
    }
}

/// Whether the landmarks are to be those of the mesh.
pub fn gives_landmarks(options: &AnalysisOptions) -> bool {
    options.parts.landmarks.as_deref() == Some(Path::new(FROM_MESH))
}

/// The ranges of what concerns the mesh.
pub fn check(options: &AnalysisOptions, p: &mut Problems) {
    if let Some(mesh) = &options.parts.mesh {
        let single = [&mesh.detector, &mesh.landmarks, &mesh.blendshapes];
        let whole = mesh.detector.is_some() && mesh.landmarks.is_some();
        if mesh.folder.is_some() && single.iter().any(|path| path.is_some()) {
            p.add("parts.mesh", "give a folder, or single files, not both".into());
        } else if mesh.folder.is_none() && !whole {
            p.add("parts.mesh", "needs a folder, or at least detector and landmarks".into());
        }
        if options.heads.contains_key(BLENDSHAPES) {
            p.add("heads", format!("the name `{BLENDSHAPES}` is that of the mesh's blendshapes: choose another"));
        }
    }
}

/// Refuses what needs a mesh where there is none. Not among the ranges: a file may leave the mesh to the command line.
///
/// # Errors
/// When landmarks or points of the mesh are asked for, and there is no mesh.
pub fn ensure_given(options: &AnalysisOptions) -> Result<()> {
    if options.parts.mesh.is_some() {
        return Ok(());
    }
    ensure!(
        !gives_landmarks(options),
        "parts.landmarks: takes the landmarks of the mesh: give parts.mesh or --mesh, too (a file of that name is ./mesh)"
    );
    ensure!(!options.output.mesh_points, "output.mesh_points: there is no mesh: give parts.mesh or --mesh, too");
    Ok(())
}

/// The opened networks.
pub struct MeshPart {
    networks: FaceMesh,
}

/// What they say of a face.
pub struct FoundMesh {
    mesh: Mesh,
    /// In the order of their names; none where their network was not given.
    pub blendshapes: Option<Vec<f64>>,
}

impl MeshPart {
    /// Opens the files, and says what they are.
    ///
    /// # Errors
    /// When one cannot be used or is another network.
    pub fn open(options: &MeshOptions) -> Result<(Self, Vec<PartFacts>)> {
        let files = options.files()?;
        let networks = FaceMesh::open(&files)?;
        let named = [
            ("mesh detector", "BlazeFace, short range", Some(&files.detector)),
            ("mesh", "478 points", Some(&files.landmarks)),
            (BLENDSHAPES, "52 blendshapes", files.blendshapes.as_ref()),
        ];
        let facts = named.into_iter().filter_map(|(role, name, path)| path.map(|path| PartFacts::of(role, name, path)));
        Ok((Self { networks }, facts.collect::<Result<_>>()?))
    }

    /// The mesh of a face that the detector found; none where the mesh is no face there.
    ///
    /// # Errors
    /// When a network cannot be run.
    pub fn find(&self, photo: &Photo, face: &Detection) -> Result<Option<FoundMesh>> {
        let picture = Picture::new(photo.pixels(), photo.width(), photo.height())?;
        let b = &face.bounds;
        let (bounds, eyes) = ([b.left, b.top, b.right, b.bottom], face.eyes(None));
        let Some(mesh) = self.networks.face_in(&picture, bounds, eyes).context("the face mesh")? else {
            return Ok(None);
        };
        let scores = self.networks.blendshapes(&mesh)?;
        Ok(Some(FoundMesh { blendshapes: scores.map(|s| s.iter().map(|v| rounded(*v, 1e6)).collect()), mesh }))
    }

    /// Names of the blendshapes, and what they are as a head; none where their network was not given.
    pub fn head(&self) -> Option<(String, Vec<String>, TargetHead)> {
        let columns: Vec<String> = blendshapes::NAMES.iter().map(|name| (*name).to_owned()).collect();
        let kind = TargetKind::Continuous { units: String::new(), range: [0.0, 1.0] };
        let head = TargetHead { name: BLENDSHAPES.into(), kind, columns: columns.clone(), start: 0 };
        self.networks.has_blendshapes().then(|| (BLENDSHAPES.to_owned(), columns, head))
    }
}

impl FoundMesh {
    /// The 68 landmarks, near those of the scheme.
    pub fn landmarks(&self) -> Landmarks {
        ibug::landmarks(&self.mesh)
    }

    /// x, y and z of the points, to a hundredth of a pixel.
    pub fn points(&self) -> Vec<[f64; 3]> {
        self.mesh.points.iter().map(|p| p.map(|v| rounded(v, 100.0))).collect()
    }
}

fn rounded(value: f32, steps: f64) -> f64 {
    (f64::from(value) * steps).round() / steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferrotype_config::Root;

    fn problems(change: impl Fn(&mut AnalysisOptions)) -> Vec<String> {
        let mut options = AnalysisOptions::default();
        change(&mut options);
        options.validate().into_iter().map(|p| p.path).collect()
    }

    #[test]
    fn options_of_the_mesh_fit_together() {
        let folder = || Some(MeshOptions::of_folder(Path::new("m")));
        assert!(problems(|o| o.parts.mesh = folder()).is_empty());
        assert_eq!(problems(|o| o.parts.mesh = Some(MeshOptions::default())), ["parts.mesh"]);
        let refused = |change: fn(&mut AnalysisOptions), mesh: Option<MeshOptions>| {
            let mut options = AnalysisOptions::default();
            options.parts.mesh = mesh;
            change(&mut options);
            ensure_given(&options).err().map(|e| e.to_string()).unwrap_or_default()
        };
        let landmarks: fn(&mut AnalysisOptions) = |o| o.parts.landmarks = Some(FROM_MESH.into());
        let points: fn(&mut AnalysisOptions) = |o| o.output.mesh_points = true;
        for (change, key) in [(landmarks, "parts.landmarks: "), (points, "output.mesh_points: ")] {
            assert!(refused(change, None).starts_with(key), "{key}");
            assert_eq!(refused(change, folder()), "");
            // The command line may bring the mesh.
            assert!(problems(change).is_empty());
        }
        let both = |o: &mut AnalysisOptions| {
            o.parts.mesh = folder();
            o.parts.mesh.as_mut().unwrap().blendshapes = Some("b.onnx".into());
        };
        assert_eq!(problems(both), ["parts.mesh"]);
        let units = |o: &mut AnalysisOptions| {
            (o.parts.mesh, o.parts.landmarks) = (folder(), Some(FROM_MESH.into()));
            o.parts.action_units = Some("a".into());
        };
        assert!(problems(units).is_empty());
    }
}
