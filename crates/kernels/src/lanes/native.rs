//! The few operations on groups that need intrinsics: the compiler finds the vector form of an element-wise body by
//! itself, but not reliably that of a sum carried around a loop.

use super::{LANES, Lanes};
use crate::Isa;

/// `acc += v`.
///
/// # Safety
/// The instruction set must be there.
#[inline(always)]
pub(super) unsafe fn accumulate(isa: Isa, acc: &mut Lanes, v: &Lanes) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::*;
        let (to, from) = (acc.as_mut_ptr(), v.as_ptr());
        // SAFETY: both are whole groups; the caller vouches for the instruction set.
        unsafe {
            match isa {
                Isa::Avx512 => _mm512_storeu_ps(to, _mm512_add_ps(_mm512_loadu_ps(to), _mm512_loadu_ps(from))),
                Isa::Avx2 => {
                    for i in [0, 8] {
                        let sum = _mm256_add_ps(_mm256_loadu_ps(to.add(i)), _mm256_loadu_ps(from.add(i)));
                        _mm256_storeu_ps(to.add(i), sum);
                    }
                }
                Isa::Portable => {
                    for i in [0, 4, 8, 12] {
                        let sum = _mm_add_ps(_mm_loadu_ps(to.add(i)), _mm_loadu_ps(from.add(i)));
                        _mm_storeu_ps(to.add(i), sum);
                    }
                }
            }
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        let _ = isa;
        acc.iter_mut().zip(v).for_each(|(a, v)| *a += v);
    }
}

/// `acc += v`, in `f64`.
///
/// # Safety
/// The instruction set must be there.
#[inline(always)]
pub(super) unsafe fn accumulate_wide(isa: Isa, acc: &mut [f64; LANES], v: &Lanes) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::*;
        let (to, from) = (acc.as_mut_ptr(), v.as_ptr());
        // SAFETY: both are whole groups; the caller vouches for the instruction set.
        unsafe {
            match isa {
                Isa::Avx512 => {
                    for i in [0, 8] {
                        let wide = _mm512_cvtps_pd(_mm256_loadu_ps(from.add(i)));
                        _mm512_storeu_pd(to.add(i), _mm512_add_pd(_mm512_loadu_pd(to.add(i)), wide));
                    }
                }
                Isa::Avx2 => {
                    for i in [0, 4, 8, 12] {
                        let wide = _mm256_cvtps_pd(_mm_loadu_ps(from.add(i)));
                        _mm256_storeu_pd(to.add(i), _mm256_add_pd(_mm256_loadu_pd(to.add(i)), wide));
                    }
                }
                Isa::Portable => acc.iter_mut().zip(v).for_each(|(a, v)| *a += f64::from(*v)),
            }
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        let _ = isa;
        acc.iter_mut().zip(v).for_each(|(a, v)| *a += f64::from(*v));
    }
}

/// A group of which only the first `lanes` values are in memory; the others are 0.
///
/// # Safety
/// `lanes <= LANES` values must be readable at `p`; the instruction set must be there.
#[inline(always)]
pub(super) unsafe fn load_part(isa: Isa, p: *const f32, lanes: usize) -> Lanes {
    let mut v = [0.0; LANES];
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::*;
        // SAFETY: masked lanes are not accessed; the caller's promise for the others.
        unsafe {
            match isa {
                Isa::Avx512 => _mm512_storeu_ps(v.as_mut_ptr(), _mm512_maskz_loadu_ps(mask16(lanes), p)),
                Isa::Avx2 => {
                    for i in [0, 8] {
                        let part = _mm256_maskload_ps(p.wrapping_add(i), mask8(lanes, i));
                        _mm256_storeu_ps(v.as_mut_ptr().add(i), part);
                    }
                }
                Isa::Portable => p.copy_to_nonoverlapping(v.as_mut_ptr(), lanes),
            }
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        let _ = isa;
        // SAFETY: the caller's promise.
        unsafe { p.copy_to_nonoverlapping(v.as_mut_ptr(), lanes) };
    }
    v
}

/// Stores the first `lanes` values of a group.
///
/// # Safety
/// `lanes <= LANES` values must be writable at `p`; the instruction set must be there.
#[inline(always)]
pub(super) unsafe fn store_part(isa: Isa, p: *mut f32, v: &Lanes, lanes: usize) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::*;
        // SAFETY: masked lanes are not accessed; the caller's promise for the others.
        unsafe {
            match isa {
                Isa::Avx512 => _mm512_mask_storeu_ps(p, mask16(lanes), _mm512_loadu_ps(v.as_ptr())),
                Isa::Avx2 => {
                    for i in [0, 8] {
                        let part = _mm256_loadu_ps(v.as_ptr().add(i));
                        _mm256_maskstore_ps(p.wrapping_add(i), mask8(lanes, i), part);
                    }
                }
                Isa::Portable => v.as_ptr().copy_to_nonoverlapping(p, lanes),
            }
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        let _ = isa;
        // SAFETY: the caller's promise.
        unsafe { v.as_ptr().copy_to_nonoverlapping(p, lanes) };
    }
}

/// The mask of the first `lanes <= 16` lanes.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn mask16(lanes: usize) -> u16 {
    ((1u32 << lanes) - 1) as u16
}

/// The mask of those of the first `lanes` lanes that lie in the eight lanes from `from` on.
///
/// # Safety
/// AVX2 must be there.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn mask8(lanes: usize, from: usize) -> std::arch::x86_64::__m256i {
    use std::arch::x86_64::*;
    // SAFETY: the caller's promise.
    unsafe {
        let lane = _mm256_add_epi32(_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), _mm256_set1_epi32(from as i32));
        _mm256_cmpgt_epi32(_mm256_set1_epi32(lanes as i32), lane)
    }
}

/// Stores a group past the cache.
///
/// # Safety
/// A whole group must be writable at `p`, which must be aligned to 64 bytes; the instruction set must be there.
#[inline(always)]
pub(super) unsafe fn stream(isa: Isa, p: *mut f32, v: Lanes) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::*;
        // SAFETY: the caller's promise.
        unsafe {
            match isa {
                Isa::Avx512 => _mm512_stream_ps(p, _mm512_loadu_ps(v.as_ptr())),
                Isa::Avx2 => {
                    _mm256_stream_ps(p, _mm256_loadu_ps(v.as_ptr()));
                    _mm256_stream_ps(p.add(8), _mm256_loadu_ps(v.as_ptr().add(8)));
                }
                Isa::Portable => {
                    for i in (0..LANES).step_by(4) {
                        _mm_stream_ps(p.add(i), _mm_loadu_ps(v.as_ptr().add(i)));
                    }
                }
            }
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        let _ = isa;
        // SAFETY: the caller's promise.
        unsafe { super::store(p, v) }
    }
}
