//! `POST /v1/predict`: pictures in, faces and what models say of them out.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, Uri};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ferrotype_base::statistics::first_largest;
use futures_util::future::try_join_all;
use serde_json::{Map, Value, json};
use tokio::time::timeout;

use super::{Answer, State};
use crate::models::{Face, ModelInfo, Seen};
use crate::problem::Problem;
use crate::query::Words;
use crate::state::Shared;
use crate::upload::{self, Allowed, Sent};
use crate::work::{Admitted, Said};

/// How long a body may wait for others to be read.
const TURN: Duration = Duration::from_secs(5);

pub async fn predict(shared: State, uri: Uri, headers: HeaderMap, body: Body) -> Answer {
    let limits = &shared.options.limits;
    let mut words = Words::of_query(uri.query());
    let allowed = Allowed { bytes: limits.body, pause: limits.pause, time: limits.body_time };
    let sent = {
        let busy = || Problem::busy("too many bodies are being received", 2);
        let _turn = timeout(TURN, shared.uploads.acquire()).await.map_err(|_| busy())?;
        upload::pictures(&headers, body, allowed, limits.pictures, &mut words).await?
    };
    let models = chosen(&shared, &mut words)?;
    let heat_maps = words.is("heat_map")?;
    words.done()?;
    let (depth, n) = (shared.work.depth(), sent.len());
    let admitted = shared.work.admit(n).ok_or_else(|| {
        let waiting = format!("{depth} pictures are being worked on, of {} at most", limits.queue);
        Problem::busy(waiting, shared.metrics.wait(depth + n))
    })?;
    keep(&shared, &sent)?;
    let all = sent.iter().map(|one| picture(&shared, one, &models, heat_maps, admitted.clone()));
    let pictures = timeout(limits.answer_time, try_join_all(all)).await;
    let seconds = limits.answer_time.as_secs();
    let pictures = pictures.map_err(|_| Problem::overdue(format!("no answer came within {seconds} s")))??;
    let infos: Vec<&ModelInfo> = models.iter().map(|&i| &shared.models.list()[i]).collect();
    super::json(&json!({ "format": "ferrotype prediction", "version": 1, "models": infos, "pictures": pictures }))
}

/// The numbers of the models that are asked; all where none is named.
fn chosen(shared: &Shared, words: &mut Words) -> Result<Vec<usize>, Problem> {
    let list = shared.models.list();
    let number = |name: &String| {
        list.iter().position(|model| model.name == *name).ok_or_else(|| {
            let known: Vec<&str> = list.iter().map(|model| model.name.as_str()).collect();
            let name: String = name.chars().take(60).collect();
            Problem::not_found(format!("there is no model `{name}`: there are {}", known.join(", ")))
        })
    };
    let names = words.all("model");
    if names.is_empty() {
        return Ok((0..list.len()).collect());
    }
    let mut numbers: Vec<usize> = names.iter().map(number).collect::<Result<_, _>>()?;
    numbers.sort_unstable();
    numbers.dedup();
    Ok(numbers)
}

fn keep(shared: &Shared, sent: &[Sent]) -> Result<(), Problem> {
    let Some(keep) = &shared.keep else { return Ok(()) };
    sent.iter().try_for_each(|one| keep.bytes(&one.bytes)).map_err(|e| Problem::reading(&e))
}

async fn picture(
    shared: &Shared,
    sent: &Sent,
    models: &[usize],
    heat_maps: bool,
    admitted: Admitted,
) -> Result<Value, Problem> {
    let named = |fault| Problem::of(fault, &sent.name);
    let seen = shared.work.look(sent.bytes.clone(), admitted.clone()).await.map_err(named)?;
    let seen = Arc::new(seen);
    let told = models.iter().map(|&model| shared.work.tell(model, seen.clone(), heat_maps, admitted.clone()));
    let told = try_join_all(told).await.map_err(named)?;
    let infos: Vec<&ModelInfo> = models.iter().map(|&i| &shared.models.list()[i]).collect();
    Ok(shown(&sent.name, &seen, &infos, &told))
}

fn shown(name: &str, seen: &Seen, models: &[&ModelInfo], told: &[Vec<Said>]) -> Value {
    let face = |(i, face): (usize, &Face)| {
        let said: Vec<(&ModelInfo, &Said)> =
            models.iter().zip(told).filter_map(|(model, of)| Some((*model, of.get(i)?))).collect();
        shown_face(face, &said)
    };
    let faces: Vec<Value> = seen.faces.iter().enumerate().map(face).collect();
    json!({ "name": name, "width": seen.width, "height": seen.height, "notes": seen.notes, "faces": faces })
}

/// As a face stands in `results.json` of an analysis, with the maps of what was looked at.
fn shown_face(face: &Face, said: &[(&ModelInfo, &Said)]) -> Value {
    let mut map = Map::new();
    map.insert("box".into(), json!(face.bounds));
    if let Some(score) = face.score {
        map.insert("score".into(), json!(score));
    }
    if let Some(points) = &face.points {
        map.insert("points".into(), json!(points));
    }
    let heads = said.iter().map(|(model, (values, _))| {
        let named: Map<String, Value> = model.outputs.iter().cloned().zip(values.iter().map(|v| json!(v))).collect();
        (model.name.clone(), Value::Object(named))
    });
    let heads = heads.chain(face.heads.clone());
    map.insert("heads".into(), Value::Object(heads.collect()));
    map.extend(face.more.clone());
    let maps: Map<String, Value> = said
        .iter()
        .filter_map(|(model, (values, heat))| {
            let heat = heat.as_ref()?;
            let of = model.outputs.get(first_largest(values))?;
            let value = json!({
                "of": of, "box": face.crop.bounds, "width": heat.width, "height": heat.height,
                "values": STANDARD.encode(&heat.values),
            });
            Some((model.name.clone(), value))
        })
        .collect();
    if !maps.is_empty() {
        map.insert("heat_maps".into(), Value::Object(maps));
    }
    Value::Object(map)
}
