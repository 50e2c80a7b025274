//! `ferrotype serve`

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, ensure};
use clap::Args;

use super::analyze::mesh_of;
use super::models::hub::of_parts;
use super::say;
use crate::config;
use crate::serving::{Chosen, ServedModels, ServedRuns};
use crate::systems::pool::cores;
use ferrotype_analysis::AnalysisOptions;
use ferrotype_serve::{Limits, Options, Server, Stop, Token};
use ferrotype_training::interrupt::Interrupt;

/// The environment variable with the token: other users of the machine see the words of a command line.
const TOKEN: &str = "FERROTYPE_TOKEN";

/// Show models, pictures, videos and runs in the browser, and answer programs over HTTP.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ferrotype serve
  ferrotype serve --run runs/vgg13-20260101-120000 --detector yunet
  ferrotype serve --run hub:ferronet --detector yunet --mesh mediapipe
  ferrotype serve --run a=runs/a --run b=runs/b --detector yunet.onnx --landmarks pfld68 --action-units openface-au.safetensors
  FERROTYPE_TOKEN=$(openssl rand -hex 16) ferrotype serve --run runs/a --host 0.0.0.0 --port 8000")]
pub struct ServeCommand {
    /// A finished run of the system expressions, with a name if its folder's does not please: expression=runs/...; may be given
    /// several times.
    #[arg(long = "run", value_name = "[NAME=]RUN")]
    runs: Vec<String>,
    /// The ONNX file of a face detector, YuNet or UltraFace, or a published model by its name: yunet. Without one a picture is
    /// taken for a face, and videos are refused.
    #[arg(long, value_name = "ONNX")]
    detector: Option<PathBuf>,
    /// The ONNX file of a landmark network (PFLD, 68 points), or a name: pfld68; or `mesh`: those of --mesh.
    #[arg(long, value_name = "ONNX", requires = "detector")]
    landmarks: Option<PathBuf>,
    /// MediaPipe's face mesh and blendshapes: the folder of their ONNX files, or `mediapipe` for the published models.
    #[arg(long, value_name = "FOLDER", requires = "detector")]
    mesh: Option<PathBuf>,
    /// The ONNX file of an identity embedding, or a name: mobilefacenet. In videos, who leaves and returns keeps a number.
    #[arg(long, value_name = "ONNX", requires = "detector")]
    embedder: Option<PathBuf>,
    /// Predictors of action units, made by `ferrotype import openface`.
    #[arg(long, value_name = "FILE", requires = "landmarks")]
    action_units: Option<PathBuf>,
    /// Smallest score of a face, 0 to 1 [default: 0.6].
    #[arg(long, value_name = "SCORE", requires = "detector")]
    min_score: Option<f64>,
    /// What models are shown beyond a face's box at each edge, as a part of its longer side [default: 0.1].
    #[arg(long, value_name = "PART", requires = "detector", allow_negative_numbers = true)]
    margin: Option<f64>,
    /// The folder of runs that are listed.
    #[arg(long, value_name = "FOLDER", default_value = "runs")]
    runs_dir: PathBuf,
    /// The folder of sweeps that are listed.
    #[arg(long, value_name = "FOLDER", default_value = "sweeps")]
    sweeps_dir: PathBuf,
    /// The address to listen on. Other machines reach 0.0.0.0 (or ::) and need the token.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    host: IpAddr,
    /// The port; 0 for any that is free.
    #[arg(long, default_value_t = 7777)]
    port: u16,
    /// What clients have to show, at least 16 characters, or the variable FERROTYPE_TOKEN [default: none on 127.0.0.1, else a
    /// random one, which is printed].
    #[arg(long)]
    token: Option<String>,
    /// Keep the pictures and videos of requests in this folder; the page says so.
    #[arg(long, value_name = "FOLDER")]
    keep: Option<PathBuf>,
    /// Compute on another device than the experiments'.
    #[arg(long)]
    device: Option<String>,
    #[command(flatten)]
    limits: LimitArgs,
}

/// How much is too much.
#[derive(Debug, Args)]
struct LimitArgs {
    /// The most MiB of a request with pictures.
    #[arg(long, value_name = "MIB", default_value_t = 32, value_parser = clap::value_parser!(u64).range(1..=4096))]
    max_body: u64,
    /// The most pixels of a picture, and of a video's frame, by the header.
    #[arg(long, value_name = "NUMBER", default_value_t = 40_000_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    max_pixels: u64,
    /// The most MiB of a video.
    #[arg(long, value_name = "MIB", default_value_t = 512, value_parser = clap::value_parser!(u64).range(1..=65536))]
    max_video: u64,
    /// The most seconds of a video.
    #[arg(long, value_name = "SECONDS", default_value_t = 600.0)]
    max_seconds: f64,
    /// Pictures that are worked on or wait at a time; more are answered by 429.
    #[arg(long, value_name = "PICTURES", default_value_t = 128, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    queue: u32,
}

impl ServeCommand {
    /// Serves until Ctrl-C.
    ///
    /// # Errors
    /// When a run or file cannot be used, or the address cannot be had.
    pub fn run(self) -> Result<()> {
        let chosen = chosen(&self.runs)?;
        let models = ServedModels::open(&chosen, self.analysis()?, self.device.as_deref())?;
        let runs = ServedRuns::new(self.runs_dir.clone(), self.sweeps_dir.clone());
        let server = Server::bind(self.options()?, Arc::new(models), Arc::new(runs))?;
        say(format_args!("serving {} on {}; Ctrl-C ends it", described(&chosen), server.link()))?;
        if !self.host.is_loopback() {
            say(
                "other machines reach it, unencrypted: put a proxy with TLS before it where the network is not your own",
            )?;
        }
        stop_when_asked(Interrupt::listen()?, server.stop());
        server.run()
    }

    fn options(&self) -> Result<Options> {
        let given = self.token.clone().or_else(|| std::env::var(TOKEN).ok());
        let token = match given {
            Some(text) => Some(Token::new(&text)?),
            None if self.host.is_loopback() => None,
            None => Some(Token::random()?),
        };
        let args = &self.limits;
        let seconds = args.max_seconds;
        ensure!(seconds > 0.0 && seconds.is_finite(), "--max-seconds is {seconds}: it must be more than 0");
        let limits = Limits {
            body: args.max_body << 20,
            pixels: args.max_pixels,
            video_body: args.max_video << 20,
            video_seconds: seconds,
            queue: args.queue as usize,
            lookers: cores(),
            ..Limits::default()
        };
        Ok(Options { host: self.host, port: self.port, token, keep: self.keep.clone(), limits })
    }

    /// The parts with their files, and which faces are looked at.
    fn analysis(&self) -> Result<AnalysisOptions> {
        let mut options = AnalysisOptions::default();
        let parts = &mut options.parts;
        parts.detector = self.detector.clone();
        parts.landmarks = self.landmarks.clone();
        parts.embedder = self.embedder.clone();
        parts.mesh = self.mesh.as_deref().map(mesh_of);
        parts.action_units = self.action_units.clone();
        of_parts(&mut options)?;
        options.faces.min_score = self.min_score.unwrap_or(options.faces.min_score);
        options.faces.margin = self.margin.unwrap_or(options.faces.margin);
        // What the command line says has the ranges of the file of an analysis.
        Ok(config::with_sets("the options", &options, &[])?)
    }
}

/// `NAME=RUN`, or a run that is called as its folder.
fn chosen(runs: &[String]) -> Result<Vec<Chosen>> {
    let one = |text: &String| {
        let (name, run) = match text.split_once('=') {
            Some((name, run)) => (name.to_owned(), Path::new(run)),
            None => (last_name(Path::new(text.strip_prefix("hub:").unwrap_or(text))), Path::new(text.as_str())),
        };
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        ensure!(
            !name.is_empty() && name.chars().all(fits),
            "--run {text}: `{name}` cannot be its name; give it one of letters, digits, `-`, `_` and `.`, as in --run a={}",
            run.display()
        );
        Ok(Chosen { name, run: run.to_path_buf() })
    };
    runs.iter().map(one).collect()
}

/// Also of `.` and of paths with a slash behind them.
fn last_name(path: &Path) -> String {
    let whole = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    whole.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn described(chosen: &[Chosen]) -> String {
    match chosen {
        [] => "runs and no model (--run adds some; hub:ferronet is there)".into(),
        _ => chosen.iter().map(|one| one.name.as_str()).collect::<Vec<_>>().join(", "),
    }
}

/// Hands the user's wish to the server.
fn stop_when_asked(interrupt: Interrupt, stop: Stop) {
    std::thread::spawn(move || {
        while !interrupt.is_asked() {
            std::thread::sleep(Duration::from_millis(100));
        }
        stop.ask();
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_called_as_its_folder_or_as_the_user_says() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vgg13-x");
        std::fs::create_dir(&path).unwrap();
        let shown = path.display().to_string();
        let named = |text: &str| chosen(&[text.to_owned()]).map(|all| (all[0].name.clone(), all[0].run.clone()));
        assert_eq!(named(&shown).unwrap(), ("vgg13-x".into(), path.clone()));
        assert_eq!(named(&format!("{shown}/")).unwrap().0, "vgg13-x");
        assert_eq!(named(&format!("mood={shown}")).unwrap(), ("mood".into(), path));
        assert!(named("a,b=runs/a").unwrap_err().to_string().contains("cannot be its name"));
        assert!(named("=runs/a").is_err());
    }
}
