//! AVX2 with FMA: 8 lanes, 16 registers.
#![allow(unsafe_op_in_unsafe_fn)] // every line is an intrinsic under the contract of `Simd`

use std::arch::x86_64::*;

use super::{Kernel, Simd};

#[derive(Clone, Copy)]
pub(crate) struct Avx2;

#[inline(never)]
#[target_feature(enable = "avx2,fma")]
unsafe fn enter<K: Kernel>(k: K) {
    k.run::<Avx2>()
}

/// A window of eight lanes into this table masks the first `n`.
static MASKS: [i32; 16] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];

#[inline(always)]
unsafe fn first(n: usize) -> __m256i {
    debug_assert!(n <= 8);
    _mm256_loadu_si256(MASKS.as_ptr().add(8 - n).cast())
}

impl Simd for Avx2 {
    type V = __m256;
    const LANES: usize = 8;
    const ROWS: usize = 6;
    const WIDE: usize = 2;
    const DOT: (usize, usize) = (3, 4);
    const TALL: usize = 6;

    #[inline(always)]
    unsafe fn zero() -> __m256 {
        _mm256_setzero_ps()
    }
    #[inline(always)]
    unsafe fn splat(x: f32) -> __m256 {
        _mm256_set1_ps(x)
    }
    #[inline(always)]
    unsafe fn load(p: *const f32) -> __m256 {
        _mm256_loadu_ps(p)
    }
    #[inline(always)]
    unsafe fn store(p: *mut f32, v: __m256) {
        _mm256_storeu_ps(p, v)
    }
    #[inline(always)]
    unsafe fn load_first(p: *const f32, n: usize) -> __m256 {
        _mm256_maskload_ps(p, first(n))
    }
    #[inline(always)]
    unsafe fn store_first(p: *mut f32, v: __m256, n: usize) {
        _mm256_maskstore_ps(p, first(n), v)
    }
    #[inline(always)]
    unsafe fn stream(p: *mut f32, v: __m256) {
        _mm256_stream_ps(p, v)
    }
    #[inline(always)]
    unsafe fn add(a: __m256, b: __m256) -> __m256 {
        _mm256_add_ps(a, b)
    }
    #[inline(always)]
    unsafe fn sub(a: __m256, b: __m256) -> __m256 {
        _mm256_sub_ps(a, b)
    }
    #[inline(always)]
    unsafe fn mul(a: __m256, b: __m256) -> __m256 {
        _mm256_mul_ps(a, b)
    }
    #[inline(always)]
    unsafe fn fma(a: __m256, b: __m256, c: __m256) -> __m256 {
        _mm256_fmadd_ps(a, b, c)
    }
    #[inline(always)]
    unsafe fn at_least(v: __m256, bound: __m256) -> __m256 {
        // the instruction returns its second operand when either is NaN
        _mm256_max_ps(bound, v)
    }
    #[inline(always)]
    unsafe fn at_most(v: __m256, bound: __m256) -> __m256 {
        _mm256_min_ps(bound, v)
    }
    #[inline(always)]
    unsafe fn and(a: __m256, b: __m256) -> __m256 {
        _mm256_and_ps(a, b)
    }
    #[inline(always)]
    unsafe fn evens(a: __m256, b: __m256) -> __m256 {
        let halves = _mm256_castps_pd(_mm256_shuffle_ps::<0x88>(a, b));
        _mm256_castpd_ps(_mm256_permute4x64_pd::<0xd8>(halves))
    }
    #[inline(always)]
    unsafe fn interleave(a: __m256, b: __m256) -> (__m256, __m256) {
        let (low, high) = (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
        (_mm256_permute2f128_ps::<0x20>(low, high), _mm256_permute2f128_ps::<0x31>(low, high))
    }
    #[inline(always)]
    unsafe fn sum(v: __m256) -> f32 {
        let four = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps::<1>(v));
        let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
        _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)))
    }
    #[inline(always)]
    unsafe fn fence() {
        _mm_sfence()
    }
    #[inline(always)]
    unsafe fn prefetch(p: *const f32) {
        _mm_prefetch::<_MM_HINT_T1>(p.cast())
    }
    #[inline(always)]
    unsafe fn transpose(s: *mut __m256) {
        // 2x2 and 4x4 within the 128-bit halves, then the halves themselves
        let mut t = [_mm256_setzero_ps(); 8];
        for i in 0..4 {
            t[2 * i] = _mm256_unpacklo_ps(*s.add(2 * i), *s.add(2 * i + 1));
            t[2 * i + 1] = _mm256_unpackhi_ps(*s.add(2 * i), *s.add(2 * i + 1));
        }
        let mut q = [_mm256_setzero_ps(); 8];
        for i in 0..2 {
            q[4 * i] = _mm256_shuffle_ps::<0x44>(t[4 * i], t[4 * i + 2]);
            q[4 * i + 1] = _mm256_shuffle_ps::<0xee>(t[4 * i], t[4 * i + 2]);
            q[4 * i + 2] = _mm256_shuffle_ps::<0x44>(t[4 * i + 1], t[4 * i + 3]);
            q[4 * i + 3] = _mm256_shuffle_ps::<0xee>(t[4 * i + 1], t[4 * i + 3]);
        }
        for i in 0..4 {
            *s.add(i) = _mm256_permute2f128_ps::<0x20>(q[i], q[4 + i]);
            *s.add(4 + i) = _mm256_permute2f128_ps::<0x31>(q[i], q[4 + i]);
        }
    }
    #[inline(always)]
    unsafe fn enter<K: Kernel>(k: K) {
        enter(k)
    }
}
