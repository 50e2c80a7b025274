//! What is known of a frame and of a face in it: a line of the journal, and an element of `results.json`.

use ferrotype_action_units::predict::ActionUnits;
use ferrotype_action_units::{INTENSITIES, PRESENCES};
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};

/// A frame.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FrameRecord {
    /// Its number in the order of the video, from 0.
    pub frame: u64,
    /// Its time in seconds; of stills the number.
    pub time: f64,
    /// Where the picture stands in its folder.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub picture: Option<String>,
    /// Why the picture could not be looked at.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<String>,
    /// Its faces, the largest first.
    pub faces: Vec<FaceRecord>,
}

/// A face in a frame.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FaceRecord {
    /// The number of its person, from 0 in the order of appearance; of stills that of the face in the picture.
    pub track: usize,
    /// Left, top, right and bottom in pixels.
    #[serde(rename = "box")]
    pub bounds: [f32; 4],
    /// The detector's score, 0 to 1.
    pub score: f32,
    /// `[x, y]` of 68 landmarks, or of the detector's five points, in pixels.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub points: Option<Vec<[f32; 2]>>,
    /// The head's pose, by the shape model of the predictors of action units.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub pose: Option<HeadPose>,
    /// x, y and z of the 478 points of the mesh in pixels, where they are wanted.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub mesh: Option<Vec<[f64; 3]>>,
    /// What each head says, in the order of its outputs; the mesh's blendshapes are the last. Nothing where one says nothing of
    /// the face.
    #[serde(default)]
    pub heads: Vec<Vec<f64>>,
    /// Action units; while the video is looked at those of the moment, in the end those of the whole video.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub units: Option<ActionUnits>,
    /// The identity embedding, of length 1.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub embedding: Option<Vec<f32>>,
}

/// Where a head is and how it is turned, in the system of the camera (x right, y down, z away).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeadPose {
    /// Millimetres.
    pub translation: [f64; 3],
    /// Radians about x, y and z; 0 where the face looks into the camera.
    pub rotation: [f64; 3],
}

/// A frame as an element of `results.json`, with the names of what its heads say.
pub struct Shown<'a> {
    /// The frame.
    pub record: &'a FrameRecord,
    /// Names of the heads with those of their outputs.
    pub heads: &'a [(String, Vec<String>)],
    /// Whether embeddings are shown.
    pub with_embeddings: bool,
    /// Whether the pictures have neither times nor persons.
    pub is_stills: bool,
}

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let faces: Vec<ShownFace> = self.record.faces.iter().map(|face| ShownFace { face, shown: self }).collect();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("frame", &self.record.frame)?;
        if !self.is_stills {
            map.serialize_entry("time", &self.record.time)?;
        }
        if let Some(picture) = &self.record.picture {
            map.serialize_entry("picture", picture)?;
        }
        match &self.record.error {
            Some(error) => map.serialize_entry("error", error)?,
            None => map.serialize_entry("faces", &faces)?,
        }
        map.end()
    }
}

struct ShownFace<'a> {
    face: &'a FaceRecord,
    shown: &'a Shown<'a>,
}

impl Serialize for ShownFace<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { face, shown } = self;
        let mut map = serializer.serialize_map(None)?;
        if !shown.is_stills {
            map.serialize_entry("track", &face.track)?;
        }
        map.serialize_entry("box", &face.bounds)?;
        map.serialize_entry("score", &face.score)?;
        if let Some(points) = &face.points {
            map.serialize_entry("points", points)?;
        }
        if let Some(pose) = &face.pose {
            map.serialize_entry("pose", pose)?;
        }
        if let Some(points) = &face.mesh {
            map.serialize_entry("mesh", points)?;
        }
        if !shown.heads.is_empty() {
            let said = shown.heads.iter().zip(&face.heads).filter(|(_, values)| !values.is_empty());
            let said = said.map(|((name, outputs), values)| (name, Named(outputs.iter().zip(values).collect())));
            map.serialize_entry("heads", &Named(said.collect()))?;
        }
        if let Some(units) = &face.units {
            map.serialize_entry("action_units", &ShownUnits::of(units))?;
        }
        if let Some(embedding) = face.embedding.as_ref().filter(|_| shown.with_embeddings) {
            map.serialize_entry("embedding", embedding)?;
        }
        map.end()
    }
}

/// Action units as they stand in `results.json`: intensities and presences by the units' names.
#[derive(Serialize)]
pub struct ShownUnits<'a> {
    intensity: Named<String, &'a f32>,
    presence: Named<String, &'a bool>,
}

impl<'a> ShownUnits<'a> {
    /// Those of a face.
    pub fn of(units: &'a ActionUnits) -> Self {
        let name = |unit: &u8| format!("AU{unit:02}");
        let intensity = Named(INTENSITIES.iter().map(name).zip(&units.intensities).collect());
        let presence = Named(PRESENCES.iter().map(name).zip(&units.presences).collect());
        Self { intensity, presence }
    }
}

/// Values by name, in their order.
struct Named<K, V>(Vec<(K, V)>);

impl<K: Serialize, V: Serialize> Serialize for Named<K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(k, v)| (k, v)))
    }
}
