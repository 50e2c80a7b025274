//! What the experiments of all systems have in common.

use ferrotype_config::sections::{Expect, Export, Kernels};
use ferrotype_training::options::SelectOn;

/// The settings of one experiment that commands change, whatever the system.
pub struct Shared<'a> {
    /// The experiment's name.
    pub name: &'a mut String,
    /// Fixes every random choice.
    pub seed: &'a mut u64,
    /// CPU threads; 0 means all cores.
    pub threads: &'a mut usize,
    /// What is exported, where the system exports.
    pub export: Option<&'a mut Export>,
    /// The tested fold, where the system divides its data into folds.
    pub fold: Option<&'a mut usize>,
    /// The expected figure, where the system has one.
    pub expect: Option<&'a mut Option<Expect>>,
}

/// An experiment as all commands see it.
pub trait Common {
    /// The experiment's name.
    fn name(&self) -> &str;

    /// Where to compute, by name; a system without tensors computes on the CPU.
    fn device(&self) -> &str {
        "flex"
    }

    /// CPU threads; 0 means all cores.
    fn threads(&self) -> usize;

    /// Which CPU kernels compute.
    fn kernels(&self) -> Kernels {
        Kernels::default()
    }

    /// The epochs of its training; none where nothing is trained in epochs.
    fn epochs(&self) -> Option<usize> {
        None
    }

    /// The settings that commands change.
    fn shared(&mut self) -> Shared<'_>;

    /// The set that selects the weights.
    fn selected_on(&self) -> SelectOn {
        SelectOn::Validation
    }
}

/// [`Common`] for an experiment type with the usual fields; `fold` and `expect` are named where the type has them.
macro_rules! common {
    ($type:ty $(, fold: $($fold:ident).+)? $(, expect: $expect:ident)? $(, selected_on: $selected:path)?) => {
        impl $crate::systems::common::Common for $type {
            fn name(&self) -> &str {
                &self.name
            }

            fn device(&self) -> &str {
                &self.device.0
            }

            fn threads(&self) -> usize {
                self.threads
            }

            fn kernels(&self) -> ferrotype_config::sections::Kernels {
                self.kernels.clone()
            }

            fn epochs(&self) -> Option<usize> {
                Some(self.train.epochs)
            }

            fn shared(&mut self) -> $crate::systems::common::Shared<'_> {
                #[allow(unused_mut, unused_assignments, reason = "not every system has both")]
                let (mut fold, mut expect) = (None, None);
                $(fold = Some(&mut self.$($fold).+);)?
                $(expect = Some(&mut self.$expect);)?
                $crate::systems::common::Shared {
                    name: &mut self.name,
                    seed: &mut self.seed,
                    threads: &mut self.threads,
                    export: Some(&mut self.export),
                    fold,
                    expect,
                }
            }

            $(fn selected_on(&self) -> ferrotype_training::options::SelectOn {
                $selected(self)
            })?
        }
    };
}

pub(crate) use common;
