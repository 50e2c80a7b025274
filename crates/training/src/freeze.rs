//! Which parameters are trained in which epoch, and at what rate.

use anyhow::{Result, bail};

use super::options::TrainOptions;
use ferrotype_model::{Graph, NodeId, patterns};

/// The `freeze`, `unfreeze_at`, `layer_decay` and `head_lr` of an experiment, resolved for one network.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Freezing {
    /// Per parameter: the first epoch in which it is trained; none of those never trained. Empty where nothing is frozen.
    begins: Vec<Option<usize>>,
    /// Per parameter: factor of its learning rate. Empty where all are 1.
    rates: Vec<f64>,
}

impl Freezing {
    /// Resolves the patterns.
    ///
    /// # Errors
    /// When a pattern matches no parameter, unfreezes what was not frozen, or nothing is left to train in some epoch.
    pub fn new(options: &TrainOptions, graph: &Graph) -> Result<Self> {
        let freezing = Self { begins: begins(options, graph)?, rates: rates(options, graph) };
        let starts = std::iter::once(0).chain(options.unfreeze_at.iter().map(|unfreeze| unfreeze.epoch));
        let idle = starts.filter(|&e| e < options.epochs).find(|&e| {
            let frozen = freezing.frozen(e);
            !frozen.is_empty() && frozen.iter().all(|&f| f)
        });
        if let Some(epoch) = idle {
            bail!(
                "train.freeze leaves nothing to train in epoch {epoch} (counted from 0): unfreeze some parameters, or freeze fewer"
            );
        }
        Ok(freezing)
    }

    /// Per parameter: whether it is frozen in this epoch (counted from 0). Empty where none is.
    pub fn frozen(&self, epoch: usize) -> Vec<bool> {
        let frozen: Vec<bool> = self.begins.iter().map(|begin| begin.is_none_or(|first| epoch < first)).collect();
        if frozen.contains(&true) { frozen } else { Vec::new() }
    }

    /// The node up to which everything is frozen in all of the first `epochs` epochs.
    pub fn frozen_until(&self, graph: &Graph, epochs: usize) -> Option<NodeId> {
        if self.begins.is_empty() {
            return None;
        }
        // What is frozen in the last epoch was never trained: parameters are unfrozen, not frozen, as epochs go by.
        let last = self.frozen(epochs.saturating_sub(1));
        if last.is_empty() { None } else { graph.frozen_until(&last) }
    }

    /// The factor of a parameter's learning rate.
    pub fn rate(&self, parameter: usize) -> f64 {
        self.rates.get(parameter).copied().unwrap_or(1.0)
    }
}

fn begins(options: &TrainOptions, graph: &Graph) -> Result<Vec<Option<usize>>> {
    let names = || graph.parameters.iter().map(|p| p.name.as_str());
    patterns::check("train.freeze", &options.freeze, names())?;
    if options.freeze.is_empty() {
        return Ok(Vec::new());
    }
    let mut begins: Vec<Option<usize>> =
        names().map(|name| (!patterns::any(&options.freeze, name)).then_some(0)).collect();
    for (i, unfreeze) in options.unfreeze_at.iter().enumerate() {
        let key = format!("train.unfreeze_at[{i}].patterns");
        let frozen = names().zip(&begins).filter(|(_, begin)| **begin != Some(0)).map(|(name, _)| name);
        let frozen: Vec<&str> = frozen.collect();
        patterns::check(&key, &unfreeze.patterns, names())?;
        if let Some(idle) = unfreeze.patterns.iter().find(|p| !frozen.iter().any(|name| patterns::matches(p, name))) {
            bail!("{key}: `{idle}` matches only parameters that train.freeze does not freeze");
        }
        for (begin, name) in begins.iter_mut().zip(names()).filter(|(begin, _)| **begin != Some(0)) {
            if patterns::any(&unfreeze.patterns, name) {
                *begin = Some(begin.map_or(unfreeze.epoch, |earlier| earlier.min(unfreeze.epoch)));
            }
        }
    }
    Ok(begins)
}

fn rates(options: &TrainOptions, graph: &Graph) -> Vec<f64> {
    if options.layer_decay.is_none() && options.head_lr.is_none() {
        return Vec::new();
    }
    let decay = options.layer_decay.unwrap_or(1.0);
    let head_rate = options.head_lr.unwrap_or(1.0);
    let parts = graph.head().into_iter().zip(graph.depths());
    parts.map(|(head, depth)| if head { head_rate } else { decay.powi(depth as i32) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferrotype_model::ModelOptions;

    fn graph() -> Graph {
        ModelOptions::MiniXception(Default::default()).build([1, 64, 64], 7).unwrap()
    }

    fn options(text: &str) -> TrainOptions {
        let mut map: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text).unwrap();
        map.insert("epochs".into(), 10.into());
        map.insert("lr".into(), 0.1.into());
        serde_json::from_value(map.into()).unwrap()
    }

    #[test]
    fn parameters_thaw_when_they_are_told_to() {
        let graph = graph();
        let o = options(
            r#"{"freeze": ["base.*", "module*"],
                "unfreeze_at": [{"epoch": 6, "patterns": ["module*"]}, {"epoch": 3, "patterns": ["module4*"]}]}"#,
        );
        let freezing = Freezing::new(&o, &graph).unwrap();
        let frozen = |epoch: usize, name: &str| {
            let at = graph.parameters.iter().position(|p| p.name.starts_with(name)).unwrap();
            freezing.frozen(epoch).get(at).copied().unwrap_or(false)
        };
        for (name, first) in [("base.", usize::MAX), ("module1", 6), ("module4", 3)] {
            for epoch in 0..10 {
                assert_eq!(frozen(epoch, name), epoch < first, "{name} {epoch}");
            }
        }
        let until = graph.frozen_until(&freezing.frozen(9)).map(|n| graph.nodes[n].name.clone());
        assert_eq!(freezing.frozen_until(&graph, 10).map(|n| graph.nodes[n].name.clone()), until);
        assert!(until.is_some_and(|name| name.starts_with("base.")));
    }

    #[test]
    fn rates_fall_with_depth() {
        let graph = graph();
        let freezing = Freezing::new(&options(r#"{"layer_decay": 0.5, "head_lr": 3}"#), &graph).unwrap();
        assert!(freezing.frozen(0).is_empty());
        for (i, (head, depth)) in graph.head().into_iter().zip(graph.depths()).enumerate() {
            assert_eq!(freezing.rate(i), if head { 3.0 } else { 0.5f64.powi(depth as i32) });
        }
        assert_eq!(Freezing::default().rate(5), 1.0);
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        let refused = |text: &str| Freezing::new(&options(text), &graph()).unwrap_err().to_string();
        let message = refused(r#"{"freeze": ["bse.*"]}"#);
        assert!(message.contains("train.freeze") && message.contains("base."), "{message}");
        assert!(refused(r#"{"freeze": ["*"]}"#).contains("nothing to train in epoch 0"));
        let message = refused(r#"{"freeze": ["base.*"], "unfreeze_at": [{"epoch": 2, "patterns": ["module1*"]}]}"#);
        assert!(message.contains("does not freeze"), "{message}");
    }
}
