//! How workers are begun elsewhere: a section for each launcher.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How workers are submitted to Slurm. What is not given is not asked for: the cluster's defaults hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Slurm {
    /// Workers of the array.
    pub workers: usize,
    /// Trials at a time of each worker. They share its cores, and each has one of its GPUs.
    pub jobs: usize,
    /// The partition.
    pub partition: Option<String>,
    /// The account.
    pub account: Option<String>,
    /// Wall time of a worker, as Slurm writes it: `04:00:00`.
    pub time: Option<String>,
    /// Generic resources: `gpu:1`.
    pub gres: Option<String>,
    /// Cores of a worker.
    pub cpus: Option<usize>,
    /// Memory of a worker, as Slurm writes it: `8G`.
    pub memory: Option<String>,
    /// Seconds before its end at which a worker is told to save and make room; also its notice on pre-emption.
    pub notice: u64,
    /// Further lines for sbatch, without `#SBATCH`: `--qos=low`.
    pub sbatch: Vec<String>,
    /// Lines of bash before the worker: modules, environment variables.
    pub setup: Vec<String>,
}

impl Default for Slurm {
    fn default() -> Self {
        Self {
            workers: 1,
            jobs: 1,
            partition: None,
            account: None,
            time: None,
            gres: None,
            cpus: None,
            memory: None,
            notice: 60,
            sbatch: Vec::new(),
            setup: Vec::new(),
        }
    }
}

/// How workers are submitted to Kubernetes, as the pods of an Indexed Job. What is not given is not asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Kubernetes {
    /// Workers: pods at a time.
    pub workers: usize,
    /// Trials at a time of each worker. They share its cores, and each has one of its GPUs.
    pub jobs: usize,
    /// The container image that holds ferrotype. Must be given.
    pub image: Option<String>,
    /// The PersistentVolumeClaim of the shared folder, which many pods may write to (ReadWriteMany). Must be given.
    pub claim: Option<String>,
    /// Where the shared folder is mounted, in pods as on this machine. Must be given.
    pub mount: Option<String>,
    /// The namespace.
    pub namespace: Option<String>,
    /// The program in the image.
    pub program: String,
    /// Cores of a worker: `8`, or `500m` for half of one.
    pub cpus: Option<String>,
    /// Memory of a worker, as Kubernetes writes it: `16Gi`.
    pub memory: Option<String>,
    /// NVIDIA GPUs of a worker.
    pub gpus: usize,
    /// Seconds between a pod's being told to end and its being killed.
    pub notice: u64,
    /// How often a worker that failed is begun again; disruptions do not count.
    pub retries: usize,
    /// Labels that a node must have.
    pub node_selector: BTreeMap<String, String>,
    /// Variables of a worker's environment.
    pub env: BTreeMap<String, String>,
}

impl Default for Kubernetes {
    fn default() -> Self {
        Self {
            workers: 1,
            jobs: 1,
            image: None,
            claim: None,
            mount: None,
            namespace: None,
            program: "ferrotype".into(),
            cpus: None,
            memory: None,
            gpus: 0,
            notice: 60,
            retries: 3,
            node_selector: BTreeMap::new(),
            env: BTreeMap::new(),
        }
    }
}

/// How workers are begun on a list of machines by SSH.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Ssh {
    /// The machines, as ssh knows them: `node1`, `me@node2`. One worker on each.
    pub hosts: Vec<String>,
    /// Trials at a time of each worker. They share its cores, and each has one of its GPUs.
    pub jobs: usize,
    /// The program there; by default the path of this one.
    pub program: Option<String>,
    /// Further options of ssh: `[-p, "2222"]`.
    pub ssh: Vec<String>,
    /// Lines of bash before the worker: modules, environment variables.
    pub setup: Vec<String>,
}

impl Default for Ssh {
    fn default() -> Self {
        Self { hosts: Vec::new(), jobs: 1, program: None, ssh: Vec::new(), setup: Vec::new() }
    }
}
