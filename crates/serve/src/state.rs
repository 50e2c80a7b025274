//! What requests share.

use std::sync::Arc;

use anyhow::Result;
use tokio::sync::{Semaphore, watch};

use crate::jobs::Jobs;
use crate::keep::Keep;
use crate::metrics::Metrics;
use crate::models::Models;
use crate::options::Options;
use crate::runs::Runs;
use crate::work::Work;

/// What requests share.
pub struct Shared {
    pub options: Options,
    pub models: Arc<dyn Models>,
    pub runs: Arc<dyn Runs>,
    pub work: Work,
    pub jobs: Jobs,
    pub metrics: Arc<Metrics>,
    pub keep: Option<Keep>,
    pub uploads: Semaphore,
    pub video_uploads: Semaphore,
    pub streams: Arc<Semaphore>,
    /// Becomes true when the server stops: streams end.
    pub stopping: watch::Receiver<bool>,
}

impl Shared {
    pub fn new(
        options: Options,
        models: Arc<dyn Models>,
        runs: Arc<dyn Runs>,
        stopping: watch::Receiver<bool>,
    ) -> Result<Self> {
        let metrics = Arc::new(Metrics::new(models.list().iter().map(|m| m.name.clone()).collect()));
        Ok(Self {
            work: Work::start(&models, &options.limits, &metrics)?,
            jobs: Jobs::start(models.clone(), &options.limits)?,
            keep: options.keep.clone().map(Keep::new).transpose()?,
            uploads: Semaphore::new(options.limits.uploads),
            video_uploads: Semaphore::new(options.limits.video_uploads),
            streams: Arc::new(Semaphore::new(options.limits.streams)),
            metrics,
            models,
            runs,
            options,
            stopping,
        })
    }

    /// Ends all threads.
    pub fn stop(self) {
        self.jobs.stop();
        self.work.stop();
    }
}
