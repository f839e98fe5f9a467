//! The inner loops: sums of products for a tile of rows and queries that stays in registers.
//!
//! Each sum is taken in one fixed order, whatever rows happen to share its tile. Queries in panels are lanes of a
//! vector and take their products value by value; queries alone have one sum a lane, along the width, and the lanes are
//! added up at the end.

use super::queries::{LANE, LINE, PANEL, Queries};
use pulp::{Simd, WithSimd};
use std::hint::black_box;
use std::ops::Range;

/// Values of the rows that are taken through all panels before the next rows: these rows and the next ones fit the
/// second level of cache, with room to spare.
const BLOCK: usize = 32 * 1024;
/// Values of the width between two readings ahead.
const STEP: usize = 2;
/// A multiple of every number of rows in a tile.
const ROUND: usize = 24;
/// Rows of a tile of queries that are alone: more would be read side by side, which memory is slower at.
const PAIR: usize = 2;

/// Rows `stride` apart, of which `width` values from `offset` on are compared.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a> {
    data: &'a [f32],
    stride: usize,
    offset: usize,
    width: usize,
    /// The number of rows that are complete.
    pub count: usize,
}

impl<'a> Rows<'a> {
    /// The rows of which `data` has all values that are compared.
    pub fn new(data: &'a [f32], stride: usize, offset: usize, width: usize) -> Self {
        let stride = stride.max(1);
        let last = data.len().checked_sub(offset).and_then(|left| left.checked_sub(width.max(1)));
        Rows { data, stride, offset, width, count: last.map_or(0, |last| last / stride + 1) }
    }

    #[inline(always)]
    fn row(&self, row: usize) -> &'a [f32] {
        &self.data[row * self.stride + self.offset..][..self.width]
    }

    /// Everything that lies between two rows, where it is mostly what is compared.
    fn stretch(&self, from: usize, to: usize) -> &'a [f32] {
        let dense = self.stride < 2 * self.width;
        let at = |row: usize| row.saturating_mul(self.stride).saturating_add(self.offset);
        self.data.get(at(from)..at(to).min(self.data.len())).filter(|_| dense).unwrap_or_default()
    }

    /// Some rows one after another, all of the same length.
    #[inline(always)]
    fn several<const ROWS: usize>(&self, first: usize) -> [&'a [f32]; ROWS] {
        let mut rows = [self.row(first); ROWS];
        for (i, row) in rows.iter_mut().enumerate() {
            *row = self.row(first + i);
        }
        rows
    }
}

/// What becomes of products.
pub(super) trait Sink {
    /// Takes products of rows from `row` on with queries from `column` on, one a lane.
    fn tile<S: Simd, const ROWS: usize, const VECTORS: usize>(
        &mut self,
        simd: S,
        row: usize,
        column: usize,
        tile: &[[S::f32s; VECTORS]; ROWS],
    );

    /// Takes products of rows from `row` on with queries from `column` on.
    fn values<const QUERIES: usize>(&mut self, row: usize, column: usize, values: &[[f32; QUERIES]]);
}

/// All products of rows with queries.
pub(super) struct Scan<'a, T> {
    pub queries: &'a Queries,
    pub rows: Rows<'a>,
    pub sink: &'a mut T,
}

impl<T: Sink> WithSimd for Scan<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Scan { queries, rows, sink } = self;
        let block = (BLOCK / rows.width.max(1)).next_multiple_of(ROUND);
        let strips = queries.paneled().div_ceil(2 * S::F32_LANES);
        let mut first = 0;
        while first < rows.count {
            let last = rows.count.min(first + block);
            let next = rows.stretch(last, rows.count.min(last + block));
            let tiles = if strips > 0 { strips * ((last - first) / tile_rows::<S>()) } else { (last - first) / PAIR };
            let mut ahead = Ahead::new(next, tiles);
            for (column, panel) in queries.panels() {
                if panel.len() == PANEL * rows.width {
                    strip::<S, T, PANEL>(simd, rows, first..last, column, panel, &mut ahead, sink);
                } else {
                    strip::<S, T, LANE>(simd, rows, first..last, column, panel, &mut ahead, sink);
                }
            }
            alone(simd, rows, first..last, queries.alone(), &mut ahead, sink);
            first = last;
        }
    }
}

/// Rows of a tile of panels: 24 sums in 32 registers, or 12 in 16.
const fn tile_rows<S: Simd>() -> usize {
    if S::F32_LANES == 8 { 6 } else { 12 }
}

/// Values that are needed soon. They are read one cache line after another, evenly spread over the work that is done
/// until then, so that memory and arithmetic are busy at the same time; reading many rows side by side, as tiles do, is
/// what processors foresee least.
struct Ahead<'a> {
    left: &'a [f32],
    /// Values for each tile.
    share: usize,
}

impl<'a> Ahead<'a> {
    fn new(values: &'a [f32], tiles: usize) -> Self {
        Ahead { left: values, share: values.len().div_ceil(tiles.max(1)).next_multiple_of(LINE) }
    }

    /// What a tile reads.
    #[inline(always)]
    fn next(&mut self) -> &'a [f32] {
        let (share, left) = self.left.split_at(self.share.min(self.left.len()));
        self.left = left;
        share
    }
}

/// Products of some rows with a panel that is `SPAN` wide.
#[inline(always)]
fn strip<S: Simd, T: Sink, const SPAN: usize>(
    simd: S,
    rows: Rows,
    range: Range<usize>,
    column: usize,
    panel: &[f32],
    ahead: &mut Ahead,
    sink: &mut T,
) {
    let (panel, _) = panel.as_chunks::<SPAN>();
    if const { S::F32_LANES == SPAN } {
        tiles::<S, T, SPAN, 12, 1>(simd, rows, range, (column, 0), panel, ahead, sink);
    } else {
        for at in (0..SPAN).step_by(2 * S::F32_LANES) {
            if const { tile_rows::<S>() == 6 } {
                tiles::<S, T, SPAN, 6, 2>(simd, rows, range.clone(), (column, at), panel, ahead, sink);
            } else {
                tiles::<S, T, SPAN, 12, 2>(simd, rows, range.clone(), (column, at), panel, ahead, sink);
            }
        }
    }
}

/// The lanes of a strip that a tile has, from lane `at` of the panel on, tile after tile.
#[inline(always)]
fn tiles<S: Simd, T: Sink, const SPAN: usize, const ROWS: usize, const VECTORS: usize>(
    simd: S,
    rows: Rows,
    range: Range<usize>,
    (column, at): (usize, usize),
    panel: &[[f32; SPAN]],
    ahead: &mut Ahead,
    sink: &mut T,
) {
    let mut row = range.start;
    while row + ROWS <= range.end {
        let sums = tile::<S, SPAN, ROWS, VECTORS>(simd, rows, row, panel, at, ahead.next());
        sink.tile(simd, row, column + at, &sums);
        row += ROWS;
    }
    while row + 3 <= range.end {
        let sums = tile::<S, SPAN, 3, VECTORS>(simd, rows, row, panel, at, &[]);
        sink.tile(simd, row, column + at, &sums);
        row += 3;
    }
    while row < range.end {
        let sums = tile::<S, SPAN, 1, VECTORS>(simd, rows, row, panel, at, &[]);
        sink.tile(simd, row, column + at, &sums);
        row += 1;
    }
}

#[inline(always)]
fn tile<S: Simd, const SPAN: usize, const ROWS: usize, const VECTORS: usize>(
    simd: S,
    rows: Rows,
    first: usize,
    panel: &[[f32; SPAN]],
    at: usize,
    ahead: &[f32],
) -> [[S::f32s; VECTORS]; ROWS] {
    let mut sums = [[simd.splat_f32s(0.0); VECTORS]; ROWS];
    let width = rows.width;
    let rows = rows.several::<ROWS>(first);
    let panel = &panel[..width];
    let mut from = 0;
    let share = ahead.len().div_ceil(width.div_ceil(STEP).max(1)).next_multiple_of(LINE).max(LINE);
    let mut shares = ahead.chunks(share);
    while from < width {
        touch(shares.next().unwrap_or_default());
        let to = width.min(from + STEP);
        for k in from..to {
            let (values, _) = S::as_simd_f32s(&panel[k][at..at + VECTORS * S::F32_LANES]);
            for i in 0..ROWS {
                let x = simd.splat_f32s(rows[i][k]);
                for j in 0..VECTORS {
                    sums[i][j] = simd.mul_add_f32s(x, values[j], sums[i][j]);
                }
            }
        }
        from = to;
    }
    sums
}

/// Reads a value of every cache line.
#[inline(always)]
fn touch(values: &[f32]) {
    for line in values.chunks(LINE) {
        black_box(line[0]);
    }
}

/// Products of some rows with the queries that are alone.
#[inline(always)]
fn alone<S: Simd, T: Sink>(
    simd: S,
    rows: Rows,
    range: Range<usize>,
    (column, count, values): (usize, usize, &[f32]),
    ahead: &mut Ahead,
    sink: &mut T,
) {
    // 24 sums in 32 registers, or 12 in 16.
    let most = if S::F32_LANES == 8 { 6 } else { 12 };
    let (values, _) = values.as_chunks::<LANE>();
    let mut row = range.start;
    while count > 0 && row < range.end {
        touch(ahead.next());
        let pair = row..range.end.min(row + PAIR);
        groups(simd, rows, pair, most, (column, count, values), sink);
        row += PAIR;
    }
}

/// Products of one or two rows with all queries that are alone, group by group; the groups are as equal as can be.
#[inline(always)]
fn groups<S: Simd, T: Sink>(
    simd: S,
    rows: Rows,
    pair: Range<usize>,
    most: usize,
    (column, count, values): (usize, usize, &[[f32; LANE]]),
    sink: &mut T,
) {
    let groups = count.div_ceil(most);
    // A last row without another is taken twice and handed on once.
    let both = [rows.row(pair.start), rows.row(pair.end - 1)];
    for group in 0..groups {
        let (from, to) = (group * count / groups, (group + 1) * count / groups);
        let group = Group { values, count, from };
        macro_rules! with {
            ($($n:literal)*) => {
                match to - from {
                    $($n => sink.values(pair.start, column + from, &sums::<S, $n>(simd, both, group)[..pair.len()]),)*
                    _ => {}
                }
            };
        }
        with!(1 2 3 4 5 6 7 8 9 10 11 12);
    }
}

/// Some of the queries that are alone.
#[derive(Clone, Copy)]
struct Group<'a> {
    /// For each [`LANE`] values of the width, those of every query.
    values: &'a [[f32; LANE]],
    count: usize,
    from: usize,
}

#[inline(always)]
fn sums<S: Simd, const QUERIES: usize>(
    simd: S,
    rows: [&[f32]; PAIR],
    Group { values, count, from }: Group,
) -> [[f32; QUERIES]; PAIR] {
    let (whole, tail) = (rows[0].len() / LANE, rows[0].len() % LANE);
    let mut chunks = [rows[0].as_chunks::<LANE>().0; PAIR];
    for i in 0..PAIR {
        chunks[i] = &rows[i].as_chunks::<LANE>().0[..whole];
    }
    let mut sums = [[simd.splat_f32s(0.0); QUERIES]; PAIR];
    for k in 0..whole {
        let queries = &values[k * count + from..][..QUERIES];
        for part in 0..LANE / S::F32_LANES {
            for j in 0..QUERIES {
                let query = S::as_simd_f32s(&queries[j]).0[part];
                for i in 0..PAIR {
                    let x = S::as_simd_f32s(&chunks[i][k]).0[part];
                    sums[i][j] = simd.mul_add_f32s(x, query, sums[i][j]);
                }
            }
        }
    }
    if tail > 0 {
        let queries = &values[whole * count + from..][..QUERIES];
        for part in 0..tail.div_ceil(S::F32_LANES) {
            for i in 0..PAIR {
                let x = simd.partial_load_f32s(&rows[i][whole * LANE + part * S::F32_LANES..]);
                for j in 0..QUERIES {
                    let query = S::as_simd_f32s(&queries[j]).0[part];
                    sums[i][j] = simd.mul_add_f32s(x, query, sums[i][j]);
                }
            }
        }
    }
    let mut products = [[0.0; QUERIES]; PAIR];
    for i in 0..PAIR {
        for j in 0..QUERIES {
            products[i][j] = simd.reduce_sum_f32s(sums[i][j]);
        }
    }
    products
}
