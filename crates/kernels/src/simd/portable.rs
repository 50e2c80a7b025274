//! Plain Rust, four lanes: SSE2 and NEON registers hold one vector, and the compiler finds them.
#![allow(unsafe_op_in_unsafe_fn)] // only the pointer accesses need it, under the contract of `Simd`

use super::{Kernel, Simd};

#[derive(Clone, Copy)]
pub(crate) struct Portable;

#[derive(Clone, Copy)]
#[repr(C, align(16))]
pub(crate) struct F4([f32; 4]);

#[inline(never)]
unsafe fn enter<K: Kernel>(k: K) {
    k.run::<Portable>()
}

#[inline(always)]
fn map2(a: F4, b: F4, f: impl Fn(f32, f32) -> f32) -> F4 {
    F4([f(a.0[0], b.0[0]), f(a.0[1], b.0[1]), f(a.0[2], b.0[2]), f(a.0[3], b.0[3])])
}

impl Simd for Portable {
    type V = F4;
    const LANES: usize = 4;
    const ROWS: usize = 4;
    const WIDE: usize = 2;
    const DOT: (usize, usize) = (3, 4);
    const TALL: usize = 6;

    #[inline(always)]
    unsafe fn zero() -> F4 {
        F4([0.0; 4])
    }
    #[inline(always)]
    unsafe fn splat(x: f32) -> F4 {
        F4([x; 4])
    }
    #[inline(always)]
    unsafe fn load(p: *const f32) -> F4 {
        F4(p.cast::<[f32; 4]>().read_unaligned())
    }
    #[inline(always)]
    unsafe fn store(p: *mut f32, v: F4) {
        p.cast::<[f32; 4]>().write_unaligned(v.0)
    }
    #[inline(always)]
    unsafe fn load_first(p: *const f32, n: usize) -> F4 {
        let mut v = [0.0; 4];
        for (i, x) in v.iter_mut().enumerate().take(n) {
            *x = *p.add(i);
        }
        F4(v)
    }
    #[inline(always)]
    unsafe fn store_first(p: *mut f32, v: F4, n: usize) {
        for (i, x) in v.0.iter().enumerate().take(n) {
            *p.add(i) = *x;
        }
    }
    #[inline(always)]
    unsafe fn stream(p: *mut f32, v: F4) {
        Self::store(p, v)
    }
    #[inline(always)]
    unsafe fn add(a: F4, b: F4) -> F4 {
        map2(a, b, |a, b| a + b)
    }
    #[inline(always)]
    unsafe fn sub(a: F4, b: F4) -> F4 {
        map2(a, b, |a, b| a - b)
    }
    #[inline(always)]
    unsafe fn mul(a: F4, b: F4) -> F4 {
        map2(a, b, |a, b| a * b)
    }
    #[inline(always)]
    unsafe fn fma(a: F4, b: F4, c: F4) -> F4 {
        // without the instruction `mul_add` would call the maths library for every lane
        if cfg!(any(target_feature = "fma", target_arch = "aarch64")) {
            F4([
                a.0[0].mul_add(b.0[0], c.0[0]),
                a.0[1].mul_add(b.0[1], c.0[1]),
                a.0[2].mul_add(b.0[2], c.0[2]),
                a.0[3].mul_add(b.0[3], c.0[3]),
            ])
        } else {
            Self::add(Self::mul(a, b), c)
        }
    }
    #[inline(always)]
    unsafe fn at_least(v: F4, bound: F4) -> F4 {
        map2(v, bound, |v, bound| if bound > v { bound } else { v })
    }
    #[inline(always)]
    unsafe fn at_most(v: F4, bound: F4) -> F4 {
        map2(v, bound, |v, bound| if bound < v { bound } else { v })
    }
    #[inline(always)]
    unsafe fn and(a: F4, b: F4) -> F4 {
        map2(a, b, |a, b| f32::from_bits(a.to_bits() & b.to_bits()))
    }
    #[inline(always)]
    unsafe fn evens(a: F4, b: F4) -> F4 {
        F4([a.0[0], a.0[2], b.0[0], b.0[2]])
    }
    #[inline(always)]
    unsafe fn interleave(a: F4, b: F4) -> (F4, F4) {
        (F4([a.0[0], b.0[0], a.0[1], b.0[1]]), F4([a.0[2], b.0[2], a.0[3], b.0[3]]))
    }
    #[inline(always)]
    unsafe fn sum(v: F4) -> f32 {
        (v.0[0] + v.0[2]) + (v.0[1] + v.0[3])
    }
    #[inline(always)]
    unsafe fn fence() {}
    #[inline(always)]
    unsafe fn prefetch(_p: *const f32) {}
    #[inline(always)]
    unsafe fn transpose(s: *mut F4) {
        for i in 0..4 {
            for j in 0..i {
                let (a, b) = ((*s.add(i)).0[j], (*s.add(j)).0[i]);
                (*s.add(i)).0[j] = b;
                (*s.add(j)).0[i] = a;
            }
        }
    }
    #[inline(always)]
    unsafe fn enter<K: Kernel>(k: K) {
        enter(k)
    }
}
