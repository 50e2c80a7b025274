//! Connections: accepted up to a number, given up where they stall, ended in order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::{Semaphore, watch};

use crate::models::Models;
use crate::options::Options;
use crate::routes;
use crate::runs::Runs;
use crate::state::Shared;

/// The most bytes of a request's head.
const HEAD: usize = 64 << 10;
/// The most headers.
const HEADERS: usize = 64;

/// A server that listens and is to be run.
pub struct Server {
    runtime: Runtime,
    listener: TcpListener,
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: Stop,
}

/// Stops a server, from any thread.
#[derive(Clone)]
pub struct Stop(Arc<watch::Sender<bool>>);

impl Stop {
    /// Asks it to stop: requests that are being answered may end, streams of events and analyses are ended.
    pub fn ask(&self) {
        self.0.send_replace(true);
    }
}

impl Server {
    /// Takes the address and starts the models' threads.
    ///
    /// # Errors
    /// When the address is taken, cannot be had, or is beyond loopback while there is no token.
    pub fn bind(options: Options, models: Arc<dyn Models>, runs: Arc<dyn Runs>) -> Result<Self> {
        let address = SocketAddr::new(options.host, options.port);
        ensure!(
            options.host.is_loopback() || options.token.is_some(),
            "{} can be reached from other machines: a token is needed, so that not everybody may use the models",
            options.host
        );
        for (i, model) in models.list().iter().enumerate() {
            if models.list()[..i].iter().any(|other| other.name == model.name) {
                bail!("two models are called {}: give each its own name", model.name);
            }
        }
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.worker_threads(2).thread_name("http").enable_all().build();
        let runtime = runtime.context("the system gives no threads")?;
        let listener = runtime.block_on(TcpListener::bind(address));
        let listener = listener.with_context(|| {
            format!(
                "cannot listen on {address}: another program may have the port; --port takes another, 0 any free one"
            )
        })?;
        let address = listener.local_addr()?;
        let (stop, stopping) = watch::channel(false);
        let shared = Arc::new(Shared::new(options, models, runs, stopping)?);
        Ok(Self { runtime, listener, address, shared, stop: Stop(Arc::new(stop)) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its address in a browser; with the token, which the page takes out of sight.
    pub fn link(&self) -> String {
        let token = self.shared.options.token.as_ref().map(|token| format!("#token={}", token.text()));
        format!("http://{}/{}", self.address, token.unwrap_or_default())
    }

    /// Stops it.
    pub fn stop(&self) -> Stop {
        self.stop.clone()
    }

    /// Answers until it is stopped.
    ///
    /// # Errors
    /// None so far: what goes wrong with a connection ends that connection.
    pub fn run(self) -> Result<()> {
        let Self { runtime, listener, shared, stop, .. } = self;
        let router = routes::router(shared.clone());
        runtime.block_on(accept(listener, router, shared.clone()));
        // Streams hold the other end.
        drop(stop);
        runtime.shutdown_timeout(Duration::from_secs(1));
        if let Ok(shared) = Arc::try_unwrap(shared) {
            shared.stop();
        }
        Ok(())
    }
}

async fn accept(listener: TcpListener, router: Router, shared: Arc<Shared>) {
    let limits = &shared.options.limits;
    let free = Arc::new(Semaphore::new(limits.connections));
    let graceful = GracefulShutdown::new();
    let mut stopping = shared.stopping.clone();
    let mut sweep = tokio::time::interval(Duration::from_secs(10));
    loop {
        let next = async {
            let permit = free.clone().acquire_owned().await;
            (permit, listener.accept().await)
        };
        let (permit, accepted) = tokio::select! {
            accepted = next => accepted,
            _ = sweep.tick() => {
                shared.jobs.sweep();
                continue;
            }
            _ = stopping.changed() => break,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            // Too many open files, or a client that has gone: the next may do better.
            Err(_) => {
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        give_up_on_stalled(&stream, limits.pause);
        let service = TowerToHyperService::new(router.clone());
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.head_time)
            .max_buf_size(HEAD)
            .max_headers(HEADERS)
            .serve_connection(TokioIo::new(stream), service);
        let connection = graceful.watch(connection);
        let metrics = shared.metrics.clone();
        metrics.connections.fetch_add(1, Ordering::Relaxed);
        tokio::spawn(async move {
            // A client that breaks off is no error of ours.
            let _ = connection.await;
            metrics.connections.fetch_sub(1, Ordering::Relaxed);
            drop(permit);
        });
    }
    drop(listener);
    let _ = tokio::time::timeout(limits.grace, graceful.shutdown()).await;
}

/// A client that does not read what it asked for holds its connection for so long and no longer.
fn give_up_on_stalled(stream: &TcpStream, after: Duration) {
    let _ = stream.set_nodelay(true);
    #[cfg(target_os = "linux")]
    // Where the system does not know it, there is still the number of connections.
    let _ = socket2::SockRef::from(stream).set_tcp_user_timeout(Some(after * 3));
    #[cfg(not(target_os = "linux"))]
    let _ = after;
}
