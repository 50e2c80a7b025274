use super::*;
use crate::ModelOptions;
use crate::zoo::torchvision::parity::{Known, check};

/// `sum(p.numel() for p in ResEmoteNet().parameters())` with seven classes.
#[test]
fn the_count_is_that_of_the_authors_code() {
    let graph = ModelOptions::Resemotenet(Default::default()).build([3, 64, 64], 7).unwrap();
    assert_eq!(graph.parameter_count(), 80_238_599);
}

/// PyTorch 2.15: printed by `scripts/zoo_parity.py`.
#[test]
fn it_computes_and_learns_what_the_authors_does() {
    let options = ResemotenetOptions { width: 8, conv_dropout: 0.0, dense_dropout: 0.0 };
    let known = Known {
        size: 64,
        parameters: 1_258_090,
        names: 0x56f9_c849_aa95_92e7,
        logits: [
            0.043469, -0.288146, 0.271376, 0.333979, -1.370726, 0.032014, -0.294086, 0.283113, 0.330186, -1.372642,
        ],
        trained: [0.056651, -0.774989, 0.120679, 0.762550, -1.177671],
        gradients: [0.0, 0.066746, 0.240961, 0.025185, 1.589947],
        variances: -24.565821,
    };
    check(&ModelOptions::Resemotenet(options), &known);
}
