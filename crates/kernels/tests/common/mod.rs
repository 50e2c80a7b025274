//! What the kernel tests share: a reference convolution in `f64`, random data, guarded buffers.
#![allow(dead_code)] // each test uses some of it

use std::mem::MaybeUninit;

use ferrotype_kernels::{Activation, Conv2d, Isa, Padding};

/// A small generator (splitmix64): the tests need seeds, not quality.
pub struct Rng(pub u64);

impl Rng {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    pub fn range(&mut self, from: usize, to: usize) -> usize {
        from + self.below(to - from + 1)
    }

    pub fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    /// About normal, mean 0, deviation 1.
    pub fn normal(&mut self) -> f32 {
        let sum: f32 = (0..4).map(|_| (self.next() >> 40) as f32 / (1u64 << 24) as f32 - 0.5).sum();
        sum * 1.732
    }

    pub fn vec(&mut self, n: usize) -> Vec<f32> {
        (0..n).map(|_| self.normal()).collect()
    }
}

pub fn uninit(n: usize) -> Vec<MaybeUninit<f32>> {
    // a value that no result has: what is left of it was not written
    vec![MaybeUninit::new(f32::from_bits(0x7fc1_2345)); n]
}

pub fn init(v: &[MaybeUninit<f32>]) -> Vec<f32> {
    // SAFETY: the buffers of these tests are initialised by `uninit` or by the system.
    v.iter().map(|x| unsafe { x.assume_init() }).collect()
}

pub fn in_len(c: &Conv2d) -> usize {
    c.batch * c.in_channels * c.height * c.width
}

pub fn out_len(c: &Conv2d) -> usize {
    c.batch * c.out_channels * c.out_height() * c.out_width()
}

pub fn weight_len(c: &Conv2d) -> usize {
    c.out_channels * (c.in_channels / c.groups) * c.kernel[0] * c.kernel[1]
}

/// A dense square convolution, the same padding on all sides.
pub fn square(batch: usize, cin: usize, cout: usize, size: usize, k: usize, stride: usize, pad: usize) -> Conv2d {
    let padding = Padding { top: pad, bottom: pad, left: pad, right: pad };
    Conv2d {
        batch,
        in_channels: cin,
        height: size,
        width: size,
        out_channels: cout,
        kernel: [k, k],
        stride: [stride, stride],
        padding,
        groups: 1,
    }
}

/// Calls `f(x index, w index, y index)` for every product of the convolution.
fn products(c: &Conv2d, mut f: impl FnMut(usize, usize, usize)) {
    let (ci, co) = (c.in_channels / c.groups, c.out_channels / c.groups);
    let (oh, ow) = (c.out_height(), c.out_width());
    for n in 0..c.batch {
        for o in 0..c.out_channels {
            for i in 0..ci {
                let channel = n * c.in_channels + o / co * ci + i;
                for ky in 0..c.kernel[0] {
                    for kx in 0..c.kernel[1] {
                        let w = ((o * ci + i) * c.kernel[0] + ky) * c.kernel[1] + kx;
                        for r in 0..oh {
                            let y = (r * c.stride[0] + ky).wrapping_sub(c.padding.top);
                            if y >= c.height {
                                continue;
                            }
                            for s in 0..ow {
                                let x = (s * c.stride[1] + kx).wrapping_sub(c.padding.left);
                                if x < c.width {
                                    let out = ((n * c.out_channels + o) * oh + r) * ow + s;
                                    f((channel * c.height + y) * c.width + x, w, out);
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

pub fn reference_forward(c: &Conv2d, x: &[f32], w: &[f32], bias: Option<&[f32]>, act: Activation) -> Vec<f64> {
    let mut y = vec![0.0; out_len(c)];
    products(c, |ix, iw, iy| y[iy] += f64::from(x[ix]) * f64::from(w[iw]));
    let plane = c.out_height() * c.out_width();
    for (i, v) in y.iter_mut().enumerate() {
        if let Some(bias) = bias {
            *v += f64::from(bias[i / plane % c.out_channels]);
        }
        *v = match act {
            Activation::None => *v,
            Activation::Relu => v.max(0.0),
            Activation::Relu6 => v.clamp(0.0, 6.0),
        };
    }
    y
}

pub fn reference_backward_data(c: &Conv2d, dy: &[f32], w: &[f32]) -> Vec<f64> {
    let mut dx = vec![0.0; in_len(c)];
    products(c, |ix, iw, iy| dx[ix] += f64::from(dy[iy]) * f64::from(w[iw]));
    dx
}

pub fn reference_backward_weight(c: &Conv2d, x: &[f32], dy: &[f32]) -> (Vec<f64>, Vec<f64>) {
    let mut dw = vec![0.0; weight_len(c)];
    products(c, |ix, iw, iy| dw[iw] += f64::from(x[ix]) * f64::from(dy[iy]));
    let mut db = vec![0.0; c.out_channels];
    let plane = c.out_height() * c.out_width();
    for (i, v) in dy.iter().enumerate() {
        db[i / plane % c.out_channels] += f64::from(*v);
    }
    (dw, db)
}

/// The largest error, scaled to the largest reference value; NaN counts as infinite.
pub fn error(got: &[f32], want: &[f64]) -> f64 {
    error_scaled(got, want, largest(want))
}

pub fn largest(of: &[f64]) -> f64 {
    of.iter().fold(0.0f64, |m, v| m.max(v.abs())).max(1e-30)
}

/// The largest error, divided by `scale`.
pub fn error_scaled(got: &[f32], want: &[f64], scale: f64) -> f64 {
    assert_eq!(got.len(), want.len());
    got.iter().zip(want).fold(0.0, |m, (g, w)| {
        let e = (f64::from(*g) - w).abs() / scale;
        if e.is_nan() { f64::INFINITY } else { m.max(e) }
    })
}

/// The tolerance of a convolution: that of Winograd where it may be used.
pub fn tolerance(c: &Conv2d) -> f64 {
    let winograd = c.kernel[0] == c.kernel[1] && (3..=5).contains(&c.kernel[0]) && c.stride == [1, 1] && c.groups == 1;
    if winograd { 1e-4 } else { 1e-5 }
}

pub fn forward(c: &Conv2d, isa: Isa, x: &[f32], w: &[f32], b: Option<&[f32]>, act: Activation) -> Vec<f32> {
    let mut y = uninit(out_len(c));
    c.forward(isa, x, w, b, act, &mut y);
    init(&y)
}

pub fn backward_data(c: &Conv2d, isa: Isa, dy: &[f32], w: &[f32]) -> Vec<f32> {
    let mut dx = uninit(in_len(c));
    c.backward_data(isa, dy, w, &mut dx);
    init(&dx)
}

pub fn backward_weight(c: &Conv2d, isa: Isa, x: &[f32], dy: &[f32]) -> (Vec<f32>, Vec<f32>) {
    let (mut dw, mut db) = (uninit(weight_len(c)), uninit(c.out_channels));
    c.backward_weight(isa, x, dy, &mut dw, Some(&mut db));
    (init(&dw), init(&db))
}

/// Checks all three passes on all instruction sets.
pub fn check(c: &Conv2d, seed: u64) {
    let mut rng = Rng(seed);
    let (x, w, dy) = (rng.vec(in_len(c)), rng.vec(weight_len(c)), rng.vec(out_len(c)));
    let bias = rng.vec(c.out_channels);
    let bias = (rng.below(3) > 0).then_some(&bias[..]);
    let act = rng.pick(&[Activation::None, Activation::Relu, Activation::Relu6]);
    let y = reference_forward(c, &x, &w, bias, act);
    // an activation cuts values off, but not the rounding of those that stay
    let scale = largest(&reference_forward(c, &x, &w, bias, Activation::None));
    let dx = reference_backward_data(c, &dy, &w);
    let (dw, db) = reference_backward_weight(c, &x, &dy);
    let limit = tolerance(c);
    for isa in Isa::available() {
        let e = error_scaled(&forward(c, isa, &x, &w, bias, act), &y, scale);
        assert!(e <= limit, "{isa} forward is off by {e:e}: {c:?} {act:?}");
        let e = error(&backward_data(c, isa, &dy, &w), &dx);
        assert!(e <= limit, "{isa} backward data is off by {e:e}: {c:?}");
        let (got_w, got_b) = backward_weight(c, isa, &x, &dy);
        let e = error(&got_w, &dw);
        assert!(e <= limit, "{isa} backward weight is off by {e:e}: {c:?}");
        let e = error(&got_b, &db);
        assert!(e <= 1e-5, "{isa} backward bias is off by {e:e}: {c:?}");
    }
}

/// Every convolution form that has a kernel of its own, in small sizes.
pub fn forms() -> Vec<Conv2d> {
    let mut all = vec![
        square(2, 5, 7, 9, 3, 1, 1),
        square(3, 32, 32, 8, 3, 1, 1),
        square(2, 3, 8, 12, 3, 1, 0),
        square(2, 6, 9, 11, 3, 2, 1),
        square(2, 18, 20, 7, 1, 1, 0),
        square(2, 17, 33, 9, 1, 2, 0),
        square(1, 1, 16, 20, 8, 2, 0),
        square(2, 16, 32, 10, 4, 2, 1),
        square(2, 4, 6, 9, 5, 1, 2),
        square(2, 64, 48, 4, 3, 2, 1),
    ];
    let same4 = Padding { top: 1, bottom: 2, left: 1, right: 2 };
    all.push(Conv2d { padding: same4, ..square(2, 8, 12, 9, 4, 1, 0) });
    for stride in [1, 2] {
        let depthwise = square(2, 19, 19, 11, 3, stride, 1);
        all.push(Conv2d { groups: 19, ..depthwise });
        let after = Padding { bottom: 1, right: 1, ..Padding::default() };
        all.push(Conv2d { groups: 19, padding: after, height: 10, width: 12, ..depthwise });
        all.push(Conv2d { groups: 3, ..square(2, 6, 9, 8, 3, stride, 1) });
    }
    all
}

/// Memory whose end is the end of a page, with an inaccessible page behind it.
pub struct Guarded {
    base: *mut libc::c_void,
    size: usize,
    pub len: usize,
}

impl Guarded {
    pub fn new(len: usize) -> Self {
        let page = 4096;
        let size = (len * 4).next_multiple_of(page) + page;
        // SAFETY: a fresh anonymous mapping, whose last page is then closed.
        let base = unsafe {
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
            let base = libc::mmap(std::ptr::null_mut(), size, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0);
            assert_ne!(base, libc::MAP_FAILED);
            assert_eq!(libc::mprotect(base.add(size - page), page, libc::PROT_NONE), 0);
            base
        };
        Self { base, size, len }
    }

    pub fn from(v: &[f32]) -> Self {
        let mut it = Self::new(v.len());
        it.slice_mut().copy_from_slice(v);
        it
    }

    fn start(&self) -> *mut f32 {
        // SAFETY: inside the mapping.
        unsafe { self.base.cast::<u8>().add(self.size - 4096 - self.len * 4).cast() }
    }

    pub fn slice(&self) -> &[f32] {
        // SAFETY: `len` floats up to the guard page, zero from the start.
        unsafe { std::slice::from_raw_parts(self.start(), self.len) }
    }

    pub fn slice_mut(&mut self) -> &mut [f32] {
        // SAFETY: as above.
        unsafe { std::slice::from_raw_parts_mut(self.start(), self.len) }
    }

    pub fn out(&mut self) -> &mut [MaybeUninit<f32>] {
        // SAFETY: as above; initialised memory may be seen as perhaps uninitialised.
        unsafe { std::slice::from_raw_parts_mut(self.start().cast(), self.len) }
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        // SAFETY: mapped in `new`.
        unsafe { libc::munmap(self.base, self.size) };
    }
}
