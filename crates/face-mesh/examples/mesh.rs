//! The mesh of every frame of a video, or of pictures, as a table: `cargo run --release -p ferrotype-face-mesh --example mesh
//! -- NETWORKS OUT.csv alone|tracked|twice|boxes=FILE INPUT...`, NETWORKS being the folder of the ONNX files. `alone` runs the detector
//! in every frame, `twice` looks again where the first mesh lies, `tracked` follows the face, and `boxes=FILE` looks at a face
//! of another detector, whose left, top, right and bottom are a line of the file for each input. A row is the number of the
//! input, whether there is a face, 478 times x, y, z in pixels, 52 blendshapes. Speed is printed.

use std::io::{BufWriter, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use ferrotype_face_mesh::{FaceMesh, Mesh, MeshFiles, Picture, Region, Tracker};

struct Run<'a> {
    networks: &'a FaceMesh,
    mode: String,
    boxes: Vec<[f32; 4]>,
    tracker: Tracker<'a>,
    out: BufWriter<std::fs::File>,
    rows: u64,
    faces: u64,
    spent: Duration,
}

impl Run<'_> {
    fn face(&mut self, picture: &Picture) -> Result<Option<Mesh>> {
        let first = |meshes: Vec<Mesh>| meshes.into_iter().next();
        Ok(match self.mode.as_str() {
            "alone" => first(self.networks.faces(picture, 1)?),
            "tracked" => first(self.tracker.step(picture)?),
            "twice" => match first(self.networks.faces(picture, 1)?) {
                Some(mesh) => self.networks.present(picture, &Region::of_mesh(&mesh))?,
                None => None,
            },
            mode => match self.boxes.get(self.rows as usize) {
                Some(bounds) => self.networks.face_in(picture, *bounds, None)?,
                None => bail!("`{mode}` is none of alone, tracked, twice, boxes=FILE, or its file has too few lines"),
            },
        })
    }

    fn frame(&mut self, picture: &Picture) -> Result<()> {
        let start = Instant::now();
        let mesh = self.face(picture)?;
        let blendshapes = mesh.as_ref().map(|m| self.networks.blendshapes(m)).transpose()?.flatten();
        self.spent += start.elapsed();
        write!(self.out, "{},{}", self.rows, u8::from(mesh.is_some()))?;
        let points = mesh.map_or([[f32::NAN; 3]; 478], |m| m.points);
        for value in points.iter().flatten().chain(&blendshapes.unwrap_or([f32::NAN; 52])) {
            write!(self.out, ",{value}")?;
        }
        writeln!(self.out)?;
        (self.rows, self.faces) = (self.rows + 1, self.faces + u64::from(blendshapes.is_some()));
        Ok(())
    }

    fn video(&mut self, path: &Path) -> Result<()> {
        let probe = ["-v", "error", "-select_streams", "v:0", "-show_entries", "stream=width,height", "-of", "csv=p=0"];
        let size = Command::new("ffprobe").args(probe).arg(path).output().context("ffprobe")?;
        let size = String::from_utf8_lossy(&size.stdout).into_owned();
        let sides: Vec<usize> = size.trim().split(',').filter_map(|n| n.parse().ok()).collect();
        let [width, height] = sides[..] else { bail!("{} is no video: {size}", path.display()) };
        let mut command = Command::new("ffmpeg");
        command.args(["-v", "error", "-i"]).arg(path).args([
            "-fps_mode",
            "passthrough",
            "-f",
            "rawvideo",
            "-pix_fmt",
            "rgb24",
            "-",
        ]);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().context("ffmpeg")?;
        let mut pipe = child.stdout.take().context("ffmpeg has no output")?;
        let mut frame = vec![0; width * height * 3];
        while pipe.read_exact(&mut frame).is_ok() {
            self.frame(&Picture::new(&frame, width, height)?)?;
        }
        ensure!(child.wait()?.success(), "ffmpeg failed with {}", path.display());
        Ok(())
    }
}

/// The boxes of a file.
fn boxes(path: &str) -> Result<Vec<[f32; 4]>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {path}"))?;
    let line = |line: &str| {
        let edges: Vec<f32> = line.split(',').filter_map(|n| n.trim().parse().ok()).collect();
        edges.try_into().map_err(|_| anyhow::anyhow!("{path}: `{line}` is no box"))
    };
    text.lines().map(line).collect()
}

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [networks, out, mode, inputs @ ..] = &args[..] else { bail!("give NETWORKS OUT.csv MODE INPUT...") };
    let networks = FaceMesh::open(&MeshFiles::in_folder(Path::new(networks))?)?;
    let (tracker, out) = (networks.tracker(1), BufWriter::new(std::fs::File::create(out)?));
    let (mode, spent) = (mode.clone(), Duration::ZERO);
    let boxes = mode.strip_prefix("boxes=").map_or_else(|| Ok(Vec::new()), boxes)?;
    let mut run = Run { networks: &networks, mode, boxes, tracker, out, rows: 0, faces: 0, spent };
    for input in inputs {
        match image::open(input) {
            Ok(picture) => {
                let picture = picture.into_rgb8();
                let (width, height) = (picture.width() as usize, picture.height() as usize);
                run.frame(&Picture::new(&picture.into_raw(), width, height)?)?;
            }
            Err(_) => run.video(Path::new(input))?,
        }
    }
    let seconds = run.spent.as_secs_f64();
    println!("{} frames, {} with a face, {:.1} frames/s", run.rows, run.faces, run.rows as f64 / seconds);
    println!("{} frames needed the detector", run.tracker.detections());
    Ok(())
}
