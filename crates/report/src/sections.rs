//! The sections on saliency and robustness, as the template shows them.

use anyhow::Result;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::attack::{AttackPoint, AttackView};
use super::context::{between, facts};
use super::html::wrapped;
use super::plots;
use super::saliency::{MapView, SaliencyTile, SaliencyView};

/// The section on what the network looks at; null where there is nothing to say.
pub fn saliency(view: &SaliencyView) -> Value {
    if view.tiles.is_empty() && view.note.is_empty() {
        return Value::Null;
    }
    let mut text = String::new();
    if !view.tiles.is_empty() {
        text = format!(
            "The surest right predictions, one of a class, and the surest wrong ones. Grad-CAM (arXiv:1610.02391) on {}: \
             bright is what speaks for the class. Guided backpropagation (arXiv:1412.6806): light and dark pixels would \
             raise its score if lighter or darker. A map shows what the network used, not whether it was right to.",
            view.layer
        );
    }
    if !view.note.is_empty() {
        text = format!("{text} {}", view.note).trim_start().to_owned();
    }
    let tiles: Vec<Value> = view.tiles.iter().map(tile).collect();
    json!({ "text": text, "tiles": tiles })
}

fn tile(tile: &SaliencyTile) -> Value {
    let map = |m: &MapView| json!({ "title": m.title, "picture": address(&m.png) });
    json!({
        "row": tile.row,
        "truth": tile.truth,
        "prediction": tile.prediction,
        "right": tile.truth == tile.prediction,
        "confidence": format!("{:.1} %", 100.0 * tile.confidence),
        "maps": tile.maps.iter().map(map).collect::<Vec<_>>(),
    })
}

/// One attack.
pub fn attack(view: &AttackView) -> Result<Value> {
    let targeted = view.points.iter().any(|p| p.reached.is_some());
    let mut columns = vec!["accuracy"];
    if view.points.iter().any(|p| p.accuracy_unseen.is_some()) {
        columns.push("accuracy of rows not seen");
    }
    columns.push("UAR");
    if targeted {
        columns.push("target reached");
    }
    columns.extend(["mean largest change", "mean l2 change"]);
    let percent = |v: f64| format!("{:.2} %", 100.0 * v);
    let row = |p: &AttackPoint| {
        let mut values: Vec<String> = p.accuracy_unseen.map(percent).into_iter().collect();
        values.push(percent(p.uar));
        values.extend(p.reached.map(percent));
        values.extend([format!("{:.2}", p.mean_linf), format!("{:.1}", p.mean_l2)]);
        let interval = between("accuracy", p.interval);
        json!({ "eps": p.eps.to_string(), "accuracy": percent(p.accuracy), "interval": interval, "values": values })
    };
    let pairs: Vec<(&str, String)> = view.settings.iter().map(|(name, text)| (name.as_str(), text.clone())).collect();
    Ok(json!({
        "title": view.title(),
        "seen": view.seen.map(|s| s.text()).unwrap_or_default(),
        "settings": facts(&pairs),
        "columns": columns,
        "rows": view.points.iter().map(row).collect::<Vec<_>>(),
        "plot": wrapped(&plots::robust_accuracy(view))?,
        "examples": view.examples.as_ref().map(|png| address(png)).unwrap_or_default(),
    }))
}

/// A PNG file as an address that holds it.
fn address(png: &[u8]) -> String {
    format!("data:image/png;base64,{}", STANDARD.encode(png))
}
