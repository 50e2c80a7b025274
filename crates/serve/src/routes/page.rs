//! The page and its parts, which are in the program.

use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::Answer;
use crate::problem::Problem;

macro_rules! assets {
    ($($name:literal => $kind:literal),* $(,)?) => {
        /// Names with media types and contents.
        const ASSETS: &[(&str, &str, &[u8])] = &[$(($name, $kind, include_bytes!(concat!("../../assets/", $name)))),*];
    };
}

assets! {
    "style.css" => "text/css; charset=utf-8",
    "icon.svg" => "image/svg+xml",
    "main.js" => "text/javascript; charset=utf-8",
    "api.js" => "text/javascript; charset=utf-8",
    "dom.js" => "text/javascript; charset=utf-8",
    "overlay.js" => "text/javascript; charset=utf-8",
    "values.js" => "text/javascript; charset=utf-8",
    "faces.js" => "text/javascript; charset=utf-8",
    "camera.js" => "text/javascript; charset=utf-8",
    "video.js" => "text/javascript; charset=utf-8",
    "timeline.js" => "text/javascript; charset=utf-8",
    "runs.js" => "text/javascript; charset=utf-8",
    "run.js" => "text/javascript; charset=utf-8",
    "sweeps.js" => "text/javascript; charset=utf-8",
    "chart.js" => "text/javascript; charset=utf-8",
}

const INDEX: &str = include_str!("../../assets/index.html");

pub async fn index() -> Response {
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], INDEX).into_response()
}

pub async fn asset(Path(name): Path<String>) -> Answer {
    let found = ASSETS.iter().find(|(known, _, _)| *known == name);
    let (_, kind, bytes) = found.ok_or_else(|| Problem::not_found("the page has no such part"))?;
    Ok(([(header::CONTENT_TYPE, *kind)], *bytes).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever the page asks for, it asks of this server.
    #[test]
    fn nothing_comes_from_outside() {
        let all = ASSETS.iter().map(|(name, _, bytes)| (*name, std::str::from_utf8(bytes).unwrap()));
        for (name, text) in all.chain([("index.html", INDEX)]) {
            for outside in ["src=\"http", "href=\"http", "url(http", "@import", "from \"http", "fetch(\"http", "//cdn"]
            {
                assert!(!text.contains(outside), "{name}: {outside}");
            }
            assert!(!text.contains("eval(") && !text.contains("innerHTML"), "{name}");
        }
        // The policy of the page allows no code within it.
        let inline = ["<script>", "style=\"", " onclick", " onload", "javascript:"];
        assert!(inline.iter().all(|code| !INDEX.contains(code)));
    }

    #[test]
    fn every_part_that_is_named_is_there() {
        let known: Vec<&str> = ASSETS.iter().map(|(name, _, _)| *name).collect();
        let modules = ASSETS.iter().map(|(_, _, bytes)| std::str::from_utf8(bytes).unwrap());
        let imports = modules.flat_map(|text| text.lines()).filter_map(|line| line.split_once("from \"./"));
        let imported: Vec<&str> = imports.map(|(_, rest)| rest.trim_end_matches("\";")).collect();
        let linked = INDEX.split("/assets/").skip(1).filter_map(|rest| rest.split('"').next());
        let named: Vec<&str> = imported.into_iter().chain(linked).collect();
        assert!(named.iter().all(|name| known.contains(name)), "{named:?}");
        assert!(known.iter().all(|name| named.contains(name)), "unused: {known:?}, {named:?}");
    }
}
