//! Tables with OpenFace's columns. Parts that are not there are left out: the columns of gaze always, the others by choice.

use std::fmt::Write;

use crate::pdm::Parameters;
use crate::pose::Pose;
use crate::predict::ActionUnits;
use crate::{INTENSITIES, Landmarks, MODES, POINTS, PRESENCES};

/// Which groups of columns a table has, besides `frame`, `timestamp`, `confidence` and `success`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Columns {
    /// `face_id`, as OpenFace 2.x has it: where there may be several faces.
    pub face_id: bool,
    /// `pose_Tx` to `pose_Rz`: millimetres and radians.
    pub pose: bool,
    /// `x_0` to `y_67`: pixels.
    pub landmarks: bool,
    /// `X_0` to `Z_67`: millimetres.
    pub landmarks_in_space: bool,
    /// `p_scale` to `p_33`.
    pub parameters: bool,
    /// `AU01_r` to `AU45_r` (0 to 5) and `AU01_c` to `AU45_c` (0 or 1).
    pub units: bool,
}

impl Columns {
    /// All groups.
    pub const ALL: Self =
        Self { face_id: true, pose: true, landmarks: true, landmarks_in_space: true, parameters: true, units: true };
}

/// A face in a frame. A part that is `None` is written as zeros, as OpenFace writes frames without success.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// The frame's number, from 1.
    pub frame: u64,
    /// The face's number, from 0.
    pub face_id: u64,
    /// Seconds.
    pub timestamp: f64,
    /// How sure the landmarks are, 0 to 1.
    pub confidence: f64,
    /// Whether the face was tracked.
    pub success: bool,
    /// The head's pose; `pose_R` is [`Pose::rotation_to_camera`].
    pub pose: Option<&'a Pose>,
    /// Landmarks in the picture.
    pub landmarks: Option<&'a Landmarks>,
    /// Landmarks in space ([`crate::pose::landmarks_in_space`]).
    pub landmarks_in_space: Option<&'a [[f64; 3]; POINTS]>,
    /// Parameters of the shape model.
    pub parameters: Option<&'a Parameters>,
    /// Action units.
    pub units: Option<&'a ActionUnits>,
}

/// The line of names, without its end.
pub fn header(columns: Columns) -> String {
    let mut names: Vec<String> = vec!["frame".into()];
    let mut add = |wanted: bool, new: &mut dyn Iterator<Item = String>| {
        if wanted {
            names.extend(new);
        }
    };
    let fixed = |list: &'static [&'static str]| list.iter().map(|name| (*name).to_owned());
    let points =
        |axes: &'static [&'static str]| axes.iter().flat_map(|axis| (0..POINTS).map(move |i| format!("{axis}_{i}")));
    add(columns.face_id, &mut fixed(&["face_id"]));
    add(true, &mut fixed(&["timestamp", "confidence", "success"]));
    add(columns.pose, &mut fixed(&["pose_Tx", "pose_Ty", "pose_Tz", "pose_Rx", "pose_Ry", "pose_Rz"]));
    add(columns.landmarks, &mut points(&["x", "y"]));
    add(columns.landmarks_in_space, &mut points(&["X", "Y", "Z"]));
    add(columns.parameters, &mut fixed(&["p_scale", "p_rx", "p_ry", "p_rz", "p_tx", "p_ty"]));
    add(columns.parameters, &mut (0..MODES).map(|i| format!("p_{i}")));
    add(columns.units, &mut unit_columns());
    names.join(",")
}

/// `AU01_r` to `AU45_r`, then `AU01_c` to `AU45_c`.
pub fn unit_columns() -> impl Iterator<Item = String> {
    let intensities = INTENSITIES.iter().map(|unit| format!("AU{unit:02}_r"));
    intensities.chain(PRESENCES.iter().map(|unit| format!("AU{unit:02}_c")))
}

/// A line of values, without its end; six significant digits, as OpenFace has them.
pub fn line(columns: Columns, row: &Row) -> String {
    let mut line = row.frame.to_string();
    if columns.face_id {
        let _ = write!(line, ",{}", row.face_id);
    }
    let _ = write!(line, ",{},{},{}", digits(row.timestamp), digits(row.confidence), u8::from(row.success));
    let mut add = |wanted: bool, count: usize, values: Option<Vec<f64>>| {
        if wanted {
            let values = values.unwrap_or_else(|| vec![0.0; count]);
            values.iter().for_each(|v| line.extend([",", &digits(*v)]));
        }
    };
    add(columns.pose, 6, row.pose.map(|p| [p.translation, p.rotation_to_camera].concat()));
    let picture = row.landmarks.map(|points| [0, 1].map(|axis| points.map(|p| p[axis])).concat());
    add(columns.landmarks, 2 * POINTS, picture);
    let space = row.landmarks_in_space.map(|points| [0, 1, 2].map(|axis| points.map(|p| p[axis])).concat());
    add(columns.landmarks_in_space, 3 * POINTS, space);
    let parameters = row.parameters.map(|p| {
        let [rx, ry, rz] = p.rotation;
        [&[p.scale, rx, ry, rz, p.translation[0], p.translation[1]], &p.shape[..]].concat()
    });
    add(columns.parameters, 6 + MODES, parameters);
    let units = row.units.map(|units| {
        let classes = units.presences.map(|p| f64::from(u8::from(p)));
        [&units.intensities.map(f64::from)[..], &classes].concat()
    });
    add(columns.units, INTENSITIES.len() + PRESENCES.len(), units);
    line
}

/// A number with six significant digits.
fn digits(value: f64) -> String {
    let rounded: f64 = format!("{value:.5e}").parse().unwrap_or(value);
    // No "-0".
    (rounded + 0.0).to_string()
}

#[cfg(test)]
mod tests {
    use ferrotype_needs::needs;

    use super::*;
    use crate::reference::data;

    #[test]
    fn lines_fit_their_header() {
        let units = ActionUnits { intensities: [1.234_567_8; 17], presences: [true; 18] };
        let mut row = Row {
            frame: 7,
            face_id: 2,
            timestamp: 0.25,
            confidence: 0.98,
            success: true,
            pose: None,
            landmarks: Some(&[[123.456_789, -0.000_001_234_567]; POINTS]),
            landmarks_in_space: None,
            parameters: None,
            units: Some(&units),
        };
        let only_units = Columns { units: true, ..ONLY_FRAMES };
        assert_eq!(header(only_units).split(',').count(), 4 + 35);
        let expected = format!("7,0.25,0.98,1{}{}", ",1.23457".repeat(17), ",1".repeat(18));
        assert_eq!(line(only_units, &row), expected);
        let all = [header(Columns::ALL), line(Columns::ALL, &row)].map(|text| text.split(',').count());
        // 431 of OpenFace, less 6 of gaze, and face_id.
        assert_eq!(all, [426, 426]);
        let landmarks = Columns { landmarks: true, face_id: true, ..ONLY_FRAMES };
        assert!(line(landmarks, &row).starts_with("7,2,0.25,0.98,1,123.457,123.457"));
        assert!(line(landmarks, &row).ends_with(",-0.00000123457"));
        (row.success, row.landmarks) = (false, None);
        assert_eq!(line(landmarks, &row), format!("7,2,0.25,0.98,0{}", ",0".repeat(136)));
    }

    const ONLY_FRAMES: Columns = Columns {
        face_id: false,
        pose: false,
        landmarks: false,
        landmarks_in_space: false,
        parameters: false,
        units: false,
    };

    #[needs(data)]
    #[test]
    fn columns_are_openfaces() {
        let text = std::fs::read_to_string(data("openface/reference/single_face.csv")).unwrap();
        let theirs: Vec<&str> = text.lines().next().unwrap().split(',').map(str::trim).collect();
        assert_eq!(theirs.len(), 431);
        let theirs: Vec<&str> = theirs.into_iter().filter(|name| !name.starts_with("gaze")).collect();
        assert_eq!(header(Columns { face_id: false, ..Columns::ALL }), theirs.join(","));
    }
}
