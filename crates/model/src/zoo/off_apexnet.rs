//! OFF-ApexNet (Gan et al. 2019, Signal Processing: Image Communication 74; arXiv:1805.08699): one small stream for each
//! direction of the optical flow from onset to apex.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Architecture;
use crate::GraphBuilder;
use crate::layers::{Conv2d, Linear, MaxPool};

/// Options of `off_apexnet`. The defaults have 2,664,475 parameters; ECNU-Cross-Innovation-Lab/PRICAI2021-Off-TANet counts 2.66
/// million.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OffApexnetOptions {
    /// Which planes of the picture hold the horizontal and the vertical flow, counted from 0.
    pub planes: [usize; 2],
    /// Filters of a stream's two convolutions.
    pub filters: [usize; 2],
    /// Features of the two fully connected layers.
    pub hidden: usize,
    /// Dropout rate before the last two layers. 0.5 is usual where this network is compared (tvaranka/meb).
    pub dropout: f32,
}

impl Default for OffApexnetOptions {
    fn default() -> Self {
        Self { planes: [0, 1], filters: [6, 16], hidden: 1024, dropout: 0.0 }
    }
}

impl Architecture for OffApexnetOptions {
    fn name(&self) -> &'static str {
        "off_apexnet"
    }

    fn default_input(&self) -> [usize; 3] {
        [3, 28, 28]
    }

    fn default_classes(&self) -> usize {
        3
    }

    fn source(&self) -> &'static str {
        "Gan et al. 2019, arXiv:1805.08699"
    }

    fn classifier(&self) -> &'static str {
        "head."
    }

    fn layers(&self, g: &mut GraphBuilder, classes: usize) {
        let input = g.tip();
        let streams = ["u", "v"].into_iter().zip(self.planes).map(|(name, plane)| {
            g.at(input).slice(name, plane, 1);
            for (i, filters) in (1..).zip(self.filters) {
                g.conv(format!("{name}.conv{i}"), Conv2d::new(filters, 5).same()).relu();
                g.max_pool(format!("{name}.pool{i}"), MaxPool::new(2));
            }
            g.flatten(format!("{name}.flatten")).tip()
        });
        let streams: Vec<_> = streams.collect();
        g.at(streams[0]).concat("both", &streams[1..]);
        g.linear("fc1", Linear::new(self.hidden)).relu().dropout(self.dropout);
        g.linear("fc2", Linear::new(self.hidden)).relu().dropout(self.dropout);
        g.linear("head", Linear::new(classes));
    }
}
