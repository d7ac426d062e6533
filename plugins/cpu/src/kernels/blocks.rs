//! Products of matrices that stay in the caches, in blocks that stay in registers.
//!
//! The left side is read where it lies, whatever its strides; the right side in panels as wide as a block, packed one at a
//! time into memory of the thread's own. Nothing else is prepared, so small products begin at once. Each element's terms are
//! added in their order. Deliberately absent: products of larger matrices (a library's), and threads (`dot` splits products).

use std::cell::Cell;

use super::dot::Matrix;
use super::element::Number;
use crate::simd::Level;

/// Terms that are summed in registers before they are added to the result: a panel must fit the first-level cache.
const DEPTH: usize = 256;
/// Bytes of the largest matrix that stays in the second-level cache.
const LARGEST: usize = 512 << 10;

/// `dst = a · b`, or `dst += a · b` where `add`; `false` if the library is better at it, and nothing is done.
///
/// # Safety
/// All strides reach only elements of their arrays; `dst` overlaps neither side.
pub(super) unsafe fn product<T: Block>(
    size: [usize; 3],
    dst: Matrix<*mut T>,
    a: Matrix<*const T>,
    b: Matrix<*const T>,
    add: bool,
) -> bool {
    // In a program that is not optimised a block's sums are not in registers.
    if cfg!(debug_assertions) {
        return false;
    }
    // SAFETY: as promised by the caller.
    unsafe { in_blocks(size, dst, a, b, add) }
}

/// As [`product`], optimised or not.
///
/// # Safety
/// As [`product`].
unsafe fn in_blocks<T: Block>(
    [m, n, k]: [usize; 3],
    dst: Matrix<*mut T>,
    a: Matrix<*const T>,
    b: Matrix<*const T>,
    add: bool,
) -> bool {
    let Some(panels) = T::panels(Level::detect()) else { return false };
    let largest = k.max(1).saturating_mul(m.max(n)).saturating_mul(size_of::<T>());
    if dst.column != 1 || n < panels.width / 2 || m < panels.rows || k == 0 || largest > LARGEST {
        return false;
    }
    with_panel(panels.width * DEPTH.min(k), |panel| {
        for first in (0..k).step_by(DEPTH) {
            let depth = DEPTH.min(k - first);
            let add = add || first > 0;
            let a = Matrix { at: a.at.wrapping_offset(first as isize * a.column), ..a };
            for left in (0..n).step_by(panels.width) {
                let width = panels.width.min(n - left);
                let from = first as isize * b.row + left as isize * b.column;
                let b = Matrix { at: b.at.wrapping_offset(from), ..b };
                let to = dst.at.wrapping_add(left);
                // SAFETY: columns `left..left + width` of the caller's right side and result, and terms
                // `first..first + depth`; the panel has room for them.
                unsafe {
                    let narrow = width <= panels.width / 2;
                    (if narrow { panels.pack_narrow } else { panels.pack })(depth, width, b, panel);
                    let run = if narrow { panels.narrow } else { panels.wide };
                    run(m, width, depth, to, dst.row, a, panel, add);
                }
            }
        }
    });
    true
}

/// Numbers that have blocks.
pub(super) trait Block: Number {
    /// `self · y + sum`, rounded once.
    fn fused(self, y: Self, sum: Self) -> Self;

    /// The code for a level, where there is any.
    fn panels(level: Level) -> Option<&'static Panels<Self>>;
}

/// The code for one level.
pub(super) struct Panels<T> {
    /// Rows and columns of a block; a narrow one has half the columns.
    rows: usize,
    width: usize,
    wide: Run<T>,
    narrow: Run<T>,
    pack: Pack<T>,
    pack_narrow: Pack<T>,
}

/// `f(m, width, k, dst, step, a, panel, add)`: `width` columns of a result of `m` rows, from one packed panel.
type Run<T> = unsafe fn(usize, usize, usize, *mut T, isize, Matrix<*const T>, *const T, bool);
/// `f(k, width, b, panel)`: `width` columns of `b` next to each other, the rest of the panel zero.
type Pack<T> = unsafe fn(usize, usize, Matrix<*const T>, *mut T);

macro_rules! blocks {
    ($($t:ident: $($level:ident [$features:literal] $rows:literal x $width:literal / $narrow:literal),*;)*) => {$(
        impl Block for $t {
            #[inline(always)]
            fn fused(self, y: Self, sum: Self) -> Self {
                self.mul_add(y, sum)
            }
            fn panels(level: Level) -> Option<&'static Panels<Self>> {
                $(#[cfg(target_arch = "x86_64")]
                if level >= Level::$level {
                    #[target_feature(enable = $features)]
                    #[allow(clippy::too_many_arguments)]
                    /// # Safety
                    /// As [`run`], on a machine that has the features.
                    unsafe fn wide(m: usize, w: usize, k: usize, d: *mut $t, s: isize, a: Matrix<*const $t>, b: *const $t, add: bool) {
                        // SAFETY: as promised by the caller.
                        unsafe { run::<$t, $rows, $width>(m, w, k, d, s, a, b, add) }
                    }
                    #[target_feature(enable = $features)]
                    #[allow(clippy::too_many_arguments)]
                    /// # Safety
                    /// As [`run`], on a machine that has the features.
                    unsafe fn narrow(m: usize, w: usize, k: usize, d: *mut $t, s: isize, a: Matrix<*const $t>, b: *const $t, add: bool) {
                        // SAFETY: as promised by the caller.
                        unsafe { run::<$t, $rows, $narrow>(m, w, k, d, s, a, b, add) }
                    }
                    return Some(&Panels {
                        rows: $rows,
                        width: $width,
                        wide,
                        narrow,
                        pack: pack::<$t, $width>,
                        pack_narrow: pack::<$t, $narrow>,
                    });
                })*
                let _ = level;
                None
            }
        }
    )*};
}

blocks! {
    f32: Avx512 ["avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx2,fma"] 12 x 32 / 16, Avx2 ["avx2,fma"] 6 x 16 / 8;
    f64: Avx512 ["avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx2,fma"] 12 x 16 / 8, Avx2 ["avx2,fma"] 6 x 8 / 4;
}

/// All rows of a result under one panel.
///
/// # Safety
/// `m` rows of `width` results at that step, `m` rows of `k` elements, and a panel of `k · NR`.
#[inline(always)]
#[allow(clippy::too_many_arguments)]
unsafe fn run<T: Block, const MR: usize, const NR: usize>(
    m: usize,
    width: usize,
    k: usize,
    dst: *mut T,
    step: isize,
    a: Matrix<*const T>,
    panel: *const T,
    add: bool,
) {
    let mut i = 0;
    macro_rules! rows {
        ($rows:expr) => {
            // SAFETY: rows `i..i + $rows` of the caller's.
            unsafe {
                let (to, from) = (dst.offset(i as isize * step), a.at.offset(i as isize * a.row));
                block::<T, { $rows }, NR>(width, k, to, step, Matrix { at: from, ..a }, panel, add);
            }
        };
    }
    while i + MR <= m {
        rows!(MR);
        i += MR;
    }
    if MR > 8 && i + 8 <= m {
        rows!(8);
        i += 8;
    }
    if i + 4 <= m {
        rows!(4);
        i += 4;
    }
    if i + 2 <= m {
        rows!(2);
        i += 2;
    }
    if i < m {
        rows!(1);
    }
}

/// `MR` rows of a result under one panel, summed in registers.
///
/// # Safety
/// As [`run`], for `MR` rows.
#[inline(always)]
unsafe fn block<T: Block, const MR: usize, const NR: usize>(
    width: usize,
    k: usize,
    dst: *mut T,
    step: isize,
    a: Matrix<*const T>,
    panel: *const T,
    add: bool,
) {
    let mut sums = [[T::ZERO; NR]; MR];
    // SAFETY: as promised by the caller.
    unsafe {
        for l in 0..k {
            let row = *panel.add(l * NR).cast::<[T; NR]>();
            let from = a.at.offset(l as isize * a.column);
            for (i, sums) in sums.iter_mut().enumerate() {
                let x = *from.offset(i as isize * a.row);
                for (sum, y) in sums.iter_mut().zip(row) {
                    *sum = x.fused(y, *sum);
                }
            }
        }
        for (i, sums) in sums.iter().enumerate() {
            let to = dst.offset(i as isize * step);
            if width == NR {
                let to = to.cast::<[T; NR]>();
                let mut row = *sums;
                if add {
                    let old = *to;
                    for (new, old) in row.iter_mut().zip(old) {
                        *new = T::add(old, *new);
                    }
                }
                *to = row;
            } else {
                let row = *sums;
                for (j, &new) in row.iter().enumerate().take(width) {
                    let to = to.add(j);
                    *to = if add { T::add(*to, new) } else { new };
                }
            }
        }
    }
}

/// Packs `width` columns of `k` elements into a panel of `NR` columns.
///
/// # Safety
/// The columns are inside the caller's matrix, and the panel has room for `k · NR` elements.
unsafe fn pack<T: Block, const NR: usize>(k: usize, width: usize, b: Matrix<*const T>, panel: *mut T) {
    // SAFETY: as promised by the caller.
    unsafe {
        if b.column == 1 && width == NR {
            for l in 0..k {
                let row = b.at.offset(l as isize * b.row).cast::<[T; NR]>();
                *panel.add(l * NR).cast::<[T; NR]>() = *row;
            }
            return;
        }
        let mut first = 0;
        if b.row == 1 {
            // A transpose, by squares.
            const SIDE: usize = 8;
            while first + SIDE <= k {
                for c in 0..width {
                    let column = *b.at.offset(c as isize * b.column).add(first).cast::<[T; SIDE]>();
                    for (l, x) in column.into_iter().enumerate() {
                        *panel.add((first + l) * NR + c) = x;
                    }
                }
                for l in first..first + SIDE {
                    (width..NR).for_each(|c| *panel.add(l * NR + c) = T::ZERO);
                }
                first += SIDE;
            }
        }
        for l in first..k {
            let from = b.at.offset(l as isize * b.row);
            for c in 0..NR {
                let x = if c < width { *from.offset(c as isize * b.column) } else { T::ZERO };
                *panel.add(l * NR + c) = x;
            }
        }
    }
}

thread_local! {
    /// This thread's panel, kept between products.
    static PANEL: Cell<Vec<Line>> = const { Cell::new(Vec::new()) };
}

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; 64]);

/// Lends room for `n` elements of `T`.
fn with_panel<T>(n: usize, body: impl FnOnce(*mut T)) {
    let mut lines = PANEL.take();
    let wanted = (n * size_of::<T>()).div_ceil(size_of::<Line>());
    if lines.len() < wanted {
        lines.resize(wanted, Line([0; 64]));
    }
    body(lines.as_mut_ptr().cast());
    PANEL.set(lines);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::tests::Rng;

    /// Sizes around those of blocks, panels and depths; small integers, whose products are exact in every order.
    fn check<T: Block + From<i8> + std::fmt::Debug>() {
        let mut rng = Rng(11);
        let mut numbers =
            |n: usize| -> Vec<T> { (0..n).map(|_| T::from((rng.next() % 7) as i8 - 3)).collect() };
        let mut taken = 0;
        for (m, n, k) in [
            (6, 8, 1),
            (7, 16, 3),
            (12, 17, 8),
            (13, 24, 9),
            (19, 31, 17),
            (23, 33, 255),
            (29, 47, 257),
            (6, 9, 600),
            (64, 10, 128),
        ] {
            for flags in 0..8 {
                let (a_turned, b_turned, add) = (flags & 1 != 0, flags & 2 != 0, flags & 4 != 0);
                let (a, b, start) = (numbers(m * k), numbers(k * n), numbers(m * (n + 1)));
                let steps = |turned: bool, rows: usize, columns: usize| match turned {
                    true => (1, rows as isize),
                    false => (columns as isize, 1),
                };
                let ((ar, ac), (br, bc)) = (steps(a_turned, m, k), steps(b_turned, k, n));
                let mut out = start.clone();
                // One column more than the product has, which must stay.
                let step = n as isize + 1;
                // SAFETY: the arrays hold matrices of these sizes and steps.
                let done = unsafe {
                    in_blocks(
                        [m, n, k],
                        Matrix { at: out.as_mut_ptr(), row: step, column: 1 },
                        Matrix { at: a.as_ptr(), row: ar, column: ac },
                        Matrix { at: b.as_ptr(), row: br, column: bc },
                        add,
                    )
                };
                taken += usize::from(done);
                let mut expected = start;
                for (i, j) in (0..m).flat_map(|i| (0..n).map(move |j| (i, j))).filter(|_| done) {
                    let terms = (0..k as isize).map(|l| {
                        let (i, j) = (i as isize, j as isize);
                        T::mul(a[(i * ar + l * ac) as usize], b[(l * br + j * bc) as usize])
                    });
                    let at = &mut expected[i * (n + 1) + j];
                    *at = terms.fold(if add { *at } else { T::ZERO }, T::add);
                }
                assert_eq!(out, expected, "{m}x{n}x{k} {flags}");
            }
        }
        assert!(taken > 0 || T::panels(Level::detect()).is_none());
    }

    #[test]
    fn blocks_agree_with_the_definition() {
        check::<f32>();
        check::<f64>();
    }
}
