//! The way of pictures through the models: admitted or refused, looked at on some threads, told by one thread per model, which
//! takes what has gathered as one batch, whoever sent it.

mod lane;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;

use anyhow::{Context, Result};
use axum::body::Bytes;
use ferrotype_base::statistics::first_largest;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::metrics::Metrics;
use crate::models::{Fault, HeatMap, Models, Seen};
use crate::options::Limits;
pub use lane::Lane;

/// The right to be worked on; it ends with the last piece of the work, also where its client has gone away.
pub type Admitted = Arc<OwnedSemaphorePermit>;

/// What a model says of a face, with the map of what it looked at where that was asked for.
pub type Said = (Vec<f64>, Option<HeatMap>);

struct Look {
    picture: Bytes,
    reply: oneshot::Sender<Result<Seen, Fault>>,
    admitted: Admitted,
}

struct Tell {
    seen: Arc<Seen>,
    heat_maps: bool,
    reply: oneshot::Sender<Result<Vec<Said>, Fault>>,
    admitted: Admitted,
}

/// The threads with their lanes.
pub struct Work {
    admission: Arc<Semaphore>,
    queue: usize,
    looks: Arc<Lane<Look>>,
    tells: Vec<Arc<Lane<Tell>>>,
    threads: Vec<JoinHandle<()>>,
}

impl Work {
    /// Starts them.
    ///
    /// # Errors
    /// When the system gives no threads.
    pub fn start(models: &Arc<dyn Models>, limits: &Limits, metrics: &Arc<Metrics>) -> Result<Self> {
        let looks = Arc::new(Lane::default());
        let mut threads = Vec::new();
        for i in 0..limits.lookers.max(1) {
            let (models, looks, metrics) = (models.clone(), looks.clone(), metrics.clone());
            let pixels = limits.pixels;
            threads.push(thread(format!("look-{i}"), move || look_on(&*models, &looks, pixels, &metrics))?);
        }
        let mut tells = Vec::new();
        for (i, info) in models.list().iter().enumerate() {
            let lane = Arc::new(Lane::default());
            let (models, tells_of, metrics, batch) =
                (models.clone(), lane.clone(), metrics.clone(), limits.batch.max(1));
            threads.push(thread(format!("model-{}", info.name), move || {
                tell_on(&*models, i, &tells_of, batch, &metrics);
            })?);
            tells.push(lane);
        }
        Ok(Self { admission: Arc::new(Semaphore::new(limits.queue)), queue: limits.queue, looks, tells, threads })
    }

    /// Lets so many pictures in, or none of them.
    pub fn admit(&self, pictures: usize) -> Option<Admitted> {
        let pictures = u32::try_from(pictures).ok()?;
        self.admission.clone().try_acquire_many_owned(pictures).ok().map(Arc::new)
    }

    /// Pictures that are worked on or wait.
    pub fn depth(&self) -> usize {
        self.queue - self.admission.available_permits()
    }

    /// Looks for the faces of a picture.
    pub async fn look(&self, picture: Bytes, admitted: Admitted) -> Result<Seen, Fault> {
        let (reply, answer) = oneshot::channel();
        self.looks.push(Look { picture, reply, admitted });
        answer.await.unwrap_or(Err(Fault::Stopped))
    }

    /// What a model says of the faces of a picture.
    pub async fn tell(
        &self,
        model: usize,
        seen: Arc<Seen>,
        heat_maps: bool,
        admitted: Admitted,
    ) -> Result<Vec<Said>, Fault> {
        let (reply, answer) = oneshot::channel();
        let Some(lane) = self.tells.get(model) else { return Err(Fault::Internal(format!("no model {model}"))) };
        lane.push(Tell { seen, heat_maps, reply, admitted });
        answer.await.unwrap_or(Err(Fault::Stopped))
    }

    /// Ends the threads; what waits is answered by [`Fault::Stopped`].
    pub fn stop(self) {
        self.looks.close();
        self.tells.iter().for_each(|lane| lane.close());
        for thread in self.threads {
            // A panic of a model was caught and told.
            let _ = thread.join();
        }
    }
}

pub fn thread(name: String, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>> {
    std::thread::Builder::new().name(name).spawn(work).context("the system gives no thread")
}

/// A model that panics fails what it was asked, and nothing else.
pub fn guarded<T>(work: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|cause| {
        let text = cause.downcast_ref::<String>().map(String::as_str).or_else(|| cause.downcast_ref::<&str>().copied());
        Err(Fault::Internal(format!("a model panicked: {}", text.unwrap_or("without words"))))
    })
}

fn look_on(models: &dyn Models, looks: &Lane<Look>, pixels: u64, metrics: &Metrics) {
    while let Some(taken) = looks.take(1, |_| 1) {
        for look in taken.into_iter().filter(|look| !look.reply.is_closed()) {
            let began = Instant::now();
            let seen = guarded(|| {
                let [width, height] = models.dimensions(&look.picture)?;
                if width.saturating_mul(height) > pixels {
                    return Err(Fault::TooLarge(format!(
                        "its header claims {width} x {height} pixels, and the limit is {pixels} in all"
                    )));
                }
                models.look(&look.picture, pixels)
            });
            metrics.looked(began.elapsed(), seen.as_ref().map_or(0, |seen| seen.faces.len()));
            // Who is answered may come again at once.
            drop(look.admitted);
            let _ = look.reply.send(seen);
        }
    }
}

fn tell_on(models: &dyn Models, model: usize, tells: &Lane<Tell>, batch: usize, metrics: &Metrics) {
    while let Some(taken) = tells.take(batch, |tell| tell.seen.faces.len().max(1)) {
        let taken: Vec<Tell> = taken.into_iter().filter(|tell| !tell.reply.is_closed()).collect();
        let crops: Vec<_> = taken.iter().flat_map(|tell| tell.seen.faces.iter().map(|face| &face.crop)).collect();
        if crops.is_empty() {
            taken.into_iter().for_each(|tell| drop(tell.reply.send(Ok(Vec::new()))));
            continue;
        }
        let began = Instant::now();
        let said = guarded(|| {
            let said = models.predict(model, &crops)?;
            let is_whole = said.len() == crops.len();
            if is_whole { Ok(said) } else { Err(Fault::Internal("a model left out faces".into())) }
        });
        metrics.told(model, began.elapsed(), crops.len());
        let mut said = said.map(Vec::into_iter);
        for tell in taken {
            let of = match &mut said {
                Ok(said) => Ok(said.by_ref().take(tell.seen.faces.len()).collect()),
                Err(fault) => Err(fault.clone()),
            };
            let of = of.and_then(|of| with_maps(models, model, &tell, of));
            drop(tell.admitted);
            let _ = tell.reply.send(of);
        }
    }
}

fn with_maps(models: &dyn Models, model: usize, tell: &Tell, said: Vec<Vec<f64>>) -> Result<Vec<Said>, Fault> {
    let map = |(values, face): (Vec<f64>, &crate::models::Face)| {
        if !tell.heat_maps {
            return Ok((values, None));
        }
        let strongest = first_largest(&values);
        let map = guarded(|| models.heat_map(model, &face.crop, strongest))?;
        Ok((values, Some(map)))
    };
    said.into_iter().zip(&tell.seen.faces).map(map).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_fault() {
        let fault = guarded::<()>(|| panic!("row {}", 3)).unwrap_err();
        assert_eq!(fault, Fault::Internal("a model panicked: row 3".into()));
        assert_eq!(guarded(|| Ok(1)), Ok(1));
    }

    #[test]
    fn the_first_of_the_largest_is_the_strongest() {
        assert_eq!(first_largest(&[0.2, 0.4, 0.4]), 1);
        assert_eq!(first_largest::<f64>(&[]), 0);
    }
}
