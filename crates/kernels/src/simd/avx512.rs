//! AVX-512: 16 lanes, 32 registers.
#![allow(unsafe_op_in_unsafe_fn)] // every line is an intrinsic under the contract of `Simd`

use std::arch::x86_64::*;

use super::{Kernel, Simd};

#[derive(Clone, Copy)]
pub(crate) struct Avx512;

#[inline(never)]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
unsafe fn enter<K: Kernel>(k: K) {
    k.run::<Avx512>()
}

#[inline(always)]
fn first(n: usize) -> __mmask16 {
    ((1u32 << n) - 1) as __mmask16
}

impl Simd for Avx512 {
    type V = __m512;
    const LANES: usize = 16;
    const ROWS: usize = 8;
    const WIDE: usize = 3;
    const DOT: (usize, usize) = (4, 6);
    const TALL: usize = 12;

    #[inline(always)]
    unsafe fn zero() -> __m512 {
        _mm512_setzero_ps()
    }
    #[inline(always)]
    unsafe fn splat(x: f32) -> __m512 {
        _mm512_set1_ps(x)
    }
    #[inline(always)]
    unsafe fn load(p: *const f32) -> __m512 {
        _mm512_loadu_ps(p)
    }
    #[inline(always)]
    unsafe fn store(p: *mut f32, v: __m512) {
        _mm512_storeu_ps(p, v)
    }
    #[inline(always)]
    unsafe fn load_first(p: *const f32, n: usize) -> __m512 {
        _mm512_maskz_loadu_ps(first(n), p)
    }
    #[inline(always)]
    unsafe fn store_first(p: *mut f32, v: __m512, n: usize) {
        _mm512_mask_storeu_ps(p, first(n), v)
    }
    #[inline(always)]
    unsafe fn stream(p: *mut f32, v: __m512) {
        _mm512_stream_ps(p, v)
    }
    #[inline(always)]
    unsafe fn add(a: __m512, b: __m512) -> __m512 {
        _mm512_add_ps(a, b)
    }
    #[inline(always)]
    unsafe fn sub(a: __m512, b: __m512) -> __m512 {
        _mm512_sub_ps(a, b)
    }
    #[inline(always)]
    unsafe fn mul(a: __m512, b: __m512) -> __m512 {
        _mm512_mul_ps(a, b)
    }
    #[inline(always)]
    unsafe fn fma(a: __m512, b: __m512, c: __m512) -> __m512 {
        _mm512_fmadd_ps(a, b, c)
    }
    #[inline(always)]
    unsafe fn at_least(v: __m512, bound: __m512) -> __m512 {
        // the instruction returns its second operand when either is NaN
        _mm512_max_ps(bound, v)
    }
    #[inline(always)]
    unsafe fn at_most(v: __m512, bound: __m512) -> __m512 {
        _mm512_min_ps(bound, v)
    }
    #[inline(always)]
    unsafe fn and(a: __m512, b: __m512) -> __m512 {
        _mm512_and_ps(a, b)
    }
    #[inline(always)]
    unsafe fn evens(a: __m512, b: __m512) -> __m512 {
        let index = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
        _mm512_permutex2var_ps(a, index, b)
    }
    #[inline(always)]
    unsafe fn interleave(a: __m512, b: __m512) -> (__m512, __m512) {
        let low = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
        let high = _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
        (_mm512_permutex2var_ps(a, low, b), _mm512_permutex2var_ps(a, high, b))
    }
    #[inline(always)]
    unsafe fn sum(v: __m512) -> f32 {
        _mm512_reduce_add_ps(v)
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
    unsafe fn transpose(s: *mut __m512) {
        // 2x2 and 4x4 within the 128-bit quarters, then the quarters themselves
        let mut t = [_mm512_setzero_ps(); 16];
        for i in 0..8 {
            t[2 * i] = _mm512_unpacklo_ps(*s.add(2 * i), *s.add(2 * i + 1));
            t[2 * i + 1] = _mm512_unpackhi_ps(*s.add(2 * i), *s.add(2 * i + 1));
        }
        let mut q = [_mm512_setzero_ps(); 16];
        for i in 0..4 {
            let (a, b, c, d) = (
                _mm512_castps_pd(t[4 * i]),
                _mm512_castps_pd(t[4 * i + 1]),
                _mm512_castps_pd(t[4 * i + 2]),
                _mm512_castps_pd(t[4 * i + 3]),
            );
            q[4 * i] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, c));
            q[4 * i + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, c));
            q[4 * i + 2] = _mm512_castpd_ps(_mm512_unpacklo_pd(b, d));
            q[4 * i + 3] = _mm512_castpd_ps(_mm512_unpackhi_pd(b, d));
        }
        for i in 0..4 {
            let a = _mm512_shuffle_f32x4::<0x88>(q[i], q[4 + i]);
            let b = _mm512_shuffle_f32x4::<0xdd>(q[i], q[4 + i]);
            let c = _mm512_shuffle_f32x4::<0x88>(q[8 + i], q[12 + i]);
            let d = _mm512_shuffle_f32x4::<0xdd>(q[8 + i], q[12 + i]);
            *s.add(i) = _mm512_shuffle_f32x4::<0x88>(a, c);
            *s.add(8 + i) = _mm512_shuffle_f32x4::<0xdd>(a, c);
            *s.add(4 + i) = _mm512_shuffle_f32x4::<0x88>(b, d);
            *s.add(12 + i) = _mm512_shuffle_f32x4::<0xdd>(b, d);
        }
    }
    #[inline(always)]
    unsafe fn enter<K: Kernel>(k: K) {
        enter(k)
    }
}
