//! What tokens take of each other (Vaswani et al., arXiv:1706.03762).

use burn::backend::Dispatch;
use burn::tensor::{Tensor, activation};
use ferrotype_kernels::Attention;

use super::Compute;
use super::native::{self, TokenOps};

/// `softmax(q k^T / sqrt(width)) v` of each head among each `window` consecutive tokens of `qkv [batch, tokens, 3 * heads *
/// width]`, whose features are all heads' queries, then keys, then values: `[batch, tokens, heads * width]`.
pub fn attention(compute: Compute, qkv: Tensor<3>, heads: usize, window: usize) -> Tensor<3> {
    let [batch, tokens, features] = qkv.dims();
    let (groups, width) = (batch * tokens / window, features / (3 * heads));
    let qkv = match native::split(compute, qkv) {
        Ok((qkv, isa)) => {
            let shape = Attention { groups, tokens: window, heads, width };
            let y = Tensor::<3>::from_dispatch(Dispatch::native_attention(qkv, shape, isa));
            return y.reshape([batch, tokens, heads * width]);
        }
        Err(qkv) => qkv,
    };
    let all = qkv.reshape([groups, window, 3, heads * width]);
    // [groups, heads, window, width]
    let part = |i: usize| all.clone().narrow(2, i, 1).reshape([groups, window, heads, width]).swap_dims(1, 2);
    let scores = part(0).matmul(part(1).swap_dims(2, 3)).div_scalar((width as f64).sqrt());
    let y = activation::softmax(scores, 3).matmul(part(2));
    y.swap_dims(1, 2).reshape([batch, tokens, heads * width])
}
