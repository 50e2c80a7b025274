//! How a server is set up.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, ensure};
use subtle::ConstantTimeEq;

/// How a server is set up.
#[derive(Clone, Debug)]
pub struct Options {
    /// The address that is listened to. Beyond loopback a token is needed.
    pub host: IpAddr,
    /// The port; 0 for any that is free.
    pub port: u16,
    /// What clients have to show.
    pub token: Option<Token>,
    /// Where pictures and videos of requests are kept. Without, they are gone when they have been answered.
    pub keep: Option<PathBuf>,
    /// How much is too much.
    pub limits: Limits,
}

/// What clients have to show: `Authorization: Bearer TOKEN`.
#[derive(Clone)]
pub struct Token(String);

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(..)")
    }
}

impl Token {
    /// The fewest characters of a token.
    pub const SHORTEST: usize = 16;

    /// Of the user's choice.
    ///
    /// # Errors
    /// When it is short enough to be guessed, or cannot stand in a header.
    pub fn new(text: &str) -> Result<Self> {
        ensure!(
            text.len() >= Self::SHORTEST,
            "the token has {} characters: at least {} are needed, or it can be guessed",
            text.len(),
            Self::SHORTEST
        );
        let fits = |b: u8| b.is_ascii_alphanumeric() || b"-._~+/=".contains(&b);
        ensure!(text.bytes().all(fits), "the token may have letters, digits and the characters - . _ ~ + / = alone");
        Ok(Self(text.into()))
    }

    /// 128 random bits.
    ///
    /// # Errors
    /// When the system has no random bits.
    pub fn random() -> Result<Self> {
        Ok(Self(random_name()?))
    }

    /// The token.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// Whether a client shows it. The time that this takes says nothing of where they differ.
    pub fn is(&self, shown: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(shown).into()
    }
}

/// 128 random bits as hexadecimal digits.
pub(crate) fn random_name() -> Result<String> {
    let mut bytes = [0u8; 16];
    getrandom::fill(&mut bytes).map_err(|e| anyhow::anyhow!("the system has no random bits: {e}"))?;
    Ok(bytes.iter().map(|b| format!("{b:02x}")).collect())
}

/// How much is too much.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// Bytes of a body with pictures.
    pub body: u64,
    /// Pictures of one request.
    pub pictures: usize,
    /// Pixels of a picture, and of a video's frame, by the header.
    pub pixels: u64,
    /// Bytes of a body with a video.
    pub video_body: u64,
    /// Seconds of a video.
    pub video_seconds: f64,
    /// Pictures that are admitted at a time; more are answered by 429.
    pub queue: usize,
    /// The most faces that a model is shown at once.
    pub batch: usize,
    /// Threads that decode pictures and look for faces.
    pub lookers: usize,
    /// Videos that wait while one is looked at; more are answered by 429.
    pub analyses: usize,
    /// Connections at a time; more wait to be accepted.
    pub connections: usize,
    /// Bodies with pictures that are read at a time.
    pub uploads: usize,
    /// Videos that are received at a time.
    pub video_uploads: usize,
    /// Analyses that ended and are kept; of more, the oldest are forgotten.
    pub results: usize,
    /// Streams of events at a time.
    pub streams: usize,
    /// How long the head of a request may take.
    pub head_time: Duration,
    /// How long a body may pause.
    pub pause: Duration,
    /// How long a body with pictures may take.
    pub body_time: Duration,
    /// How long a body with a video may take.
    pub video_time: Duration,
    /// How long a prediction may take.
    pub answer_time: Duration,
    /// How long the results of an analysis are there to be fetched.
    pub results_time: Duration,
    /// How long requests may take to end when the server stops.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            body: 32 << 20,
            pictures: 16,
            pixels: 40_000_000,
            video_body: 512 << 20,
            video_seconds: 600.0,
            queue: 128,
            batch: 64,
            lookers: 2,
            analyses: 4,
            connections: 256,
            uploads: 32,
            video_uploads: 4,
            results: 64,
            streams: 32,
            head_time: seconds(10),
            pause: seconds(10),
            body_time: seconds(60),
            video_time: seconds(900),
            answer_time: seconds(120),
            results_time: seconds(1800),
            grace: seconds(10),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_long_and_told_apart() {
        assert!(Token::new("short").unwrap_err().to_string().contains("at least 16"));
        assert!(Token::new("sixteen and blank").is_err());
        let token = Token::new("0123456789abcdef").unwrap();
        assert!(token.is(b"0123456789abcdef"));
        assert!(!token.is(b"0123456789abcdeg") && !token.is(b"0123456789abcde") && !token.is(b""));
        assert_ne!(Token::random().unwrap().text(), Token::random().unwrap().text());
        assert_eq!(format!("{token:?}"), "Token(..)");
    }
}
