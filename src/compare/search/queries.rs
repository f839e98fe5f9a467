//! Queries in the order in which the inner loops read them.

use super::kernel::{Rows, Scan, Sink};
use pulp::{Arch, Simd};

/// The number of columns of products is a multiple of this.
pub const LANE: usize = 16;
/// Queries that lie side by side in a panel; the last panel can be half as wide.
pub(super) const PANEL: usize = 2 * LANE;
/// Up to so many queries are taken one by one, with vectors along the width, rather than filled up to a whole vector.
const ALONE: usize = 12;
/// Values of a cache line.
pub(super) const LINE: usize = 16;

/// Queries packed for products with many rows.
///
/// As many queries as fill whole vectors are interleaved, value by value, so that neighbouring lanes are neighbouring
/// queries. The rest is either filled up with zeros or, where that would waste more than it is worth, kept one query
/// after another.
#[derive(Debug)]
pub struct Queries {
    width: usize,
    count: usize,
    /// Columns in panels, a multiple of [`LANE`]; the queries from there on are alone.
    paneled: usize,
    packed: Vec<f32>,
    /// Where the first panel begins: on a cache line.
    start: usize,
}

impl Queries {
    /// Packs queries of `width` values. A query that is longer is cut off there, and one that is shorter is taken to
    /// end with zeros.
    pub fn new<'a>(width: usize, queries: impl Iterator<Item = &'a [f32]>) -> Self {
        let queries: Vec<&[f32]> = queries.collect();
        let count = queries.len();
        let rest = count % LANE;
        let filled = if rest > ALONE { LANE } else { 0 };
        let paneled = if width > 0 { count - rest + filled } else { 0 };
        let padded = width.next_multiple_of(LANE);
        let size = paneled * width + count.saturating_sub(paneled) * padded;
        let mut packed = vec![0.0f32; size + LINE];
        let start = packed.as_ptr().align_offset(LINE * size_of::<f32>()).min(LINE);
        let (panels, alone) = packed[start..start + size].split_at_mut(paneled * width);
        for (panel, queries) in
            panels.chunks_mut((PANEL * width).max(1)).zip(queries[..paneled.min(count)].chunks(PANEL))
        {
            let span = panel.len() / width.max(1);
            for (lane, query) in queries.iter().enumerate() {
                panel.iter_mut().skip(lane).step_by(span).zip(*query).for_each(|(to, from)| *to = *from);
            }
        }
        let single = queries.get(paneled..).unwrap_or_default();
        for (k, chunks) in alone.chunks_exact_mut((single.len() * LANE).max(1)).enumerate() {
            for (to, from) in chunks.chunks_exact_mut(LANE).zip(single) {
                let from = from.iter().take(width).skip(k * LANE);
                to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
            }
        }
        Queries { width, count, paneled, packed, start }
    }

    /// The number of values that are compared.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The number of queries.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The number of columns of a row of products: the number of queries rounded up to a multiple of [`LANE`].
    pub fn columns(&self) -> usize {
        self.count.next_multiple_of(LANE)
    }

    /// Products of rows with every query. Rows begin `stride` apart in `rows`, and the part that is compared begins at
    /// `offset` of each; `out` is row-major with [`columns`](Self::columns) values a row, and columns without a query
    /// are zeros. Rows for which either slice is too short are left out.
    ///
    /// A product depends on its row and on the queries alone, to the last bit, and not on the rows around it.
    pub fn products(&self, rows: &[f32], stride: usize, offset: usize, out: &mut [f32]) {
        let columns = self.columns();
        let mut rows = Rows::new(rows, stride, offset, self.width);
        rows.count = rows.count.min(out.len() / columns.max(1));
        for row in out.chunks_exact_mut(columns.max(1)).take(rows.count) {
            row[self.paneled.min(columns)..].fill(0.0);
        }
        self.scan(rows, &mut Store { out, columns });
    }

    /// Hands the products of rows with every query to `sink`.
    pub(super) fn scan(&self, rows: Rows, sink: &mut impl Sink) {
        self.scan_with(Arch::new(), rows, sink);
    }

    /// The same with a chosen instruction set.
    pub(super) fn scan_with(&self, arch: Arch, rows: Rows, sink: &mut impl Sink) {
        arch.dispatch(Scan { queries: self, rows, sink });
    }

    /// The number of columns in panels, a multiple of [`LANE`].
    #[inline(always)]
    pub(super) fn paneled(&self) -> usize {
        self.paneled
    }

    /// Every panel with its first column; a panel has `width` times as many values as columns.
    #[inline(always)]
    pub(super) fn panels(&self) -> impl Iterator<Item = (usize, &[f32])> {
        let panels = &self.packed[self.start..self.start + self.paneled * self.width];
        panels.chunks((PANEL * self.width).max(1)).enumerate().map(|(i, panel)| (i * PANEL, panel))
    }

    /// The first column of the queries that are alone, their number, and their values: for each [`LANE`] values
    /// of the width, filled up with zeros, those of every query.
    #[inline(always)]
    pub(super) fn alone(&self) -> (usize, usize, &[f32]) {
        let count = self.count.saturating_sub(self.paneled);
        let from = self.start + self.paneled * self.width;
        (self.paneled, count, &self.packed[from..from + count * self.width.next_multiple_of(LANE)])
    }
}

/// Writes products to a matrix.
struct Store<'a> {
    out: &'a mut [f32],
    columns: usize,
}

impl Sink for Store<'_> {
    #[inline(always)]
    fn tile<S: Simd, const ROWS: usize, const VECTORS: usize>(
        &mut self,
        _: S,
        row: usize,
        column: usize,
        tile: &[[S::f32s; VECTORS]; ROWS],
    ) {
        for (i, from) in tile.iter().enumerate() {
            let at = (row + i) * self.columns + column;
            let (to, _) = S::as_mut_simd_f32s(&mut self.out[at..at + VECTORS * S::F32_LANES]);
            to.copy_from_slice(from);
        }
    }

    #[inline(always)]
    fn values<const QUERIES: usize>(&mut self, row: usize, column: usize, values: &[[f32; QUERIES]]) {
        for (i, from) in values.iter().enumerate() {
            let at = (row + i) * self.columns + column;
            self.out[at..at + QUERIES].copy_from_slice(from);
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The same numbers every time, -1 to 1.
    pub fn noise(seed: u64, count: usize) -> Vec<f32> {
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0xD1B5_4A32_D192_ED03;
        let mut next = || {
            state = state.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(0x1405_7B7E_F767_814F);
            (state >> 40) as f32 / 8_388_608.0 - 1.0
        };
        (0..count).map(|_| next()).collect()
    }

    /// Every instruction set that this processor has.
    pub fn each() -> Vec<Arch> {
        let mut all = vec![Arch::Scalar, Arch::new()];
        #[cfg(target_arch = "x86_64")]
        {
            all.extend(pulp::x86::V3::try_new().map(Arch::V3));
            all.extend(pulp::x86::V4::try_new().map(Arch::V4));
        }
        all.dedup_by_key(|arch| format!("{arch:?}"));
        all
    }

    /// The product in double precision.
    pub fn exact(a: &[f32], b: &[f32]) -> f64 {
        a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
    }

    #[test]
    fn products_are_what_their_definition_says_on_every_instruction_set() {
        for width in (1..70).chain([192, 256]) {
            for (i, count) in (1..40).step_by(1 + width % 4).enumerate() {
                let (n, offset) = ((width * 7 + count * 11) % 50, (width + i) % 5);
                let stride = width + offset + (i % 3) * 2;
                let queries = noise(width as u64, count * width);
                let rows = noise(count as u64 + 1000, n * stride);
                let packed = Queries::new(width, queries.chunks_exact(width));
                let columns = packed.columns();
                assert_eq!((packed.count(), columns % LANE, columns >= count), (count, 0, true));
                for arch in each() {
                    let mut out = vec![0.0; n * columns];
                    let all = Rows::new(&rows, stride, offset, width);
                    assert_eq!(all.count, n);
                    packed.scan_with(arch, all, &mut Store { out: &mut out, columns });
                    for (row, products) in rows.chunks_exact(stride).zip(out.chunks_exact(columns)) {
                        for (query, got) in queries.chunks_exact(width).zip(products) {
                            let want = exact(query, &row[offset..offset + width]);
                            assert!((f64::from(*got) - want).abs() < 1e-4, "{arch:?} {width} {count}: {got} {want}");
                        }
                        assert!(products[count..].iter().all(|x| *x == 0.0));
                    }
                }
            }
        }
    }

    #[test]
    fn a_product_does_not_depend_on_the_rows_around_it() {
        for count in [1, 3, 7, 12, 13, 16, 20, 47] {
            let (width, n) = (51, 300);
            let queries = noise(1, count * width);
            let packed = Queries::new(width, queries.chunks_exact(width));
            let columns = packed.columns();
            let mut rows = noise(2, n * width);
            let mut all = vec![f32::NAN; n * columns];
            packed.products(&rows, width, 0, &mut all);
            assert!(all.iter().all(|x| x.is_finite()));
            for (i, row) in rows.chunks_exact(width).enumerate().step_by(7) {
                let mut one = vec![f32::NAN; columns];
                packed.products(row, width, 0, &mut one);
                assert_eq!(one, all[i * columns..(i + 1) * columns]);
            }
            rows[150 * width + 50] = f32::NAN;
            let mut poisoned = vec![0.0; n * columns];
            packed.products(&rows, width, 0, &mut poisoned);
            for (i, (a, b)) in all.chunks_exact(columns).zip(poisoned.chunks_exact(columns)).enumerate() {
                assert!(if i == 150 { b[..count].iter().all(|x| x.is_nan()) } else { a == b });
            }
        }
    }

    #[test]
    fn odd_shapes_do_no_harm() {
        let none = Queries::new(4, std::iter::empty());
        none.products(&[1.0; 8], 4, 0, &mut []);
        assert_eq!((none.count(), none.columns()), (0, 0));
        let (short, long) = ([1.0f32, 2.0], [1.0f32; 9]);
        for count in [2, 14, 32] {
            let uneven = Queries::new(4, [&short[..], &long[..]].into_iter().cycle().take(count));
            let mut out = vec![7.0; 3 * uneven.columns()];
            uneven.products(&[1.0; 8], 4, 0, &mut out);
            let (rows, left) = out.split_at(2 * uneven.columns());
            assert!(rows.chunks_exact(uneven.columns()).all(|row| row[..2] == [3.0, 4.0]));
            assert!(left.iter().all(|x| *x == 7.0));
            uneven.products(&[1.0; 8], 0, 9, &mut out);
            uneven.products(&[], 4, 0, &mut out);
            let empty = Queries::new(0, [&short[..]].into_iter().cycle().take(count));
            empty.products(&[1.0; 8], 4, 0, &mut out);
            assert!(out[..2 * empty.columns()].iter().all(|x| *x == 0.0));
        }
    }
}
