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
        let paneled = if rest > ALONE { count - rest + LANE } else { count - rest };
        let padded = width.next_multiple_of(LANE);
        let size = paneled * width + (count - paneled.min(count)) * padded;
        let mut packed = vec![0.0f32; size + LINE];
        let start = packed.as_ptr().align_offset(LINE * size_of::<f32>()).min(LINE);
        let (panels, alone) = packed[start..start + size].split_at_mut(paneled * width);
        for (panel, queries) in panels.chunks_mut((PANEL * width).max(1)).zip(queries.chunks(PANEL)) {
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
    fn values<const ROWS: usize, const QUERIES: usize>(
        &mut self,
        row: usize,
        column: usize,
        values: &[[f32; QUERIES]; ROWS],
    ) {
        for (i, from) in values.iter().enumerate() {
            let at = (row + i) * self.columns + column;
            self.out[at..at + QUERIES].copy_from_slice(from);
        }
    }
}
