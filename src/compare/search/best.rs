//! The rows that can be among those with the greatest products.

use super::kernel::{Rows, Sink};
use super::queries::{LANE, Queries};
use pulp::Simd;

/// A list is gone through once it has so many rows more than it must keep.
const SLACK: usize = 16;

/// For each query the rows whose products with it can be among the `k` greatest.
///
/// Products are known up to `margin`. With `t` the `k`th greatest product as computed, at least `k` rows have an exact
/// product of `t - margin` or more, so a row with a computed product below `t - 2 margin` is not among the `k` rows
/// with the greatest exact products. All others are kept: they are the same whatever the blocks that rows arrive in,
/// their order, and the parts that are merged, and the rows with the `k` greatest exact products are among them however
/// ties are broken. Rows with a product that is not a number are never kept.
#[derive(Debug)]
pub struct Best {
    k: usize,
    margin: f64,
    /// By column: a product below is not needed. Columns without a query have infinity.
    bounds: Vec<f32>,
    lists: Vec<List>,
}

#[derive(Clone, Debug, Default)]
struct List {
    rows: Vec<(u64, f32)>,
    /// The number of rows at which the list is gone through.
    limit: usize,
}

impl Best {
    /// Empty lists for a number of queries. `margin` is the greatest difference between a product as computed and the
    /// exact one; if it is not a number, every row is kept.
    pub fn new(queries: usize, k: usize, margin: f32) -> Self {
        let margin = if margin.is_nan() { f64::INFINITY } else { f64::from(margin).abs() };
        let mut bounds = vec![f32::INFINITY; queries.next_multiple_of(LANE)];
        bounds[..queries].fill(f32::NEG_INFINITY);
        let list = List { rows: Vec::new(), limit: k.saturating_add(SLACK) };
        Best { k, margin, bounds, lists: vec![list; queries] }
    }

    /// Takes rows into account. Rows begin `stride` apart in `rows`, and the part that is compared begins at `offset`
    /// of each; the first is row number `first_row`, and the others follow.
    pub fn push_block(&mut self, queries: &Queries, rows: &[f32], stride: usize, offset: usize, first_row: u64) {
        if self.k > 0 {
            let columns = queries.columns().max(self.bounds.len());
            self.bounds.resize(columns, f32::INFINITY);
            let rows = Rows::new(rows, stride, offset, queries.width());
            queries.scan(rows, &mut Select { best: self, first_row });
        }
    }

    /// Keeps no row with an exact value below `floor`.
    pub fn raise(&mut self, floor: f32) {
        let floor = below(f64::from(floor) - self.margin);
        self.bounds.iter_mut().for_each(|bound| *bound = bound.max(floor));
    }

    /// Takes one row into account whose values for the queries, one a column, were computed elsewhere.
    pub fn push_values(&mut self, row: u64, values: &[f32]) {
        for (query, value) in values.iter().enumerate().take(self.lists.len()) {
            if self.k > 0 && self.bounds.get(query).is_some_and(|bound| value >= bound) {
                self.offer(query, row, *value);
            }
        }
    }

    /// Takes the rows of another part into account. Both have the same queries, `k` and margin.
    pub fn merge(&mut self, other: Best) {
        for (query, list) in other.lists.into_iter().enumerate() {
            for (row, product) in list.rows {
                if self.bounds.get(query).is_some_and(|bound| product >= *bound) {
                    self.offer(query, row, product);
                }
            }
        }
    }

    /// The rows of each query, by number, with their products as computed.
    pub fn finish(mut self) -> Vec<Vec<(u64, f32)>> {
        for query in 0..self.lists.len() {
            self.tighten(query);
        }
        let rows = |mut list: List| {
            list.rows.sort_unstable_by_key(|(row, _)| *row);
            list.rows
        };
        self.lists.into_iter().map(rows).collect()
    }

    /// Adds a row whose product is not below the bound.
    #[cold]
    #[inline(never)]
    fn offer(&mut self, query: usize, row: u64, product: f32) {
        if let Some(list) = self.lists.get_mut(query) {
            list.rows.push((row, product));
            if list.rows.len() >= list.limit {
                self.tighten(query);
            }
        }
    }

    /// Raises the bound of a query to what its list allows, and drops the rows below.
    fn tighten(&mut self, query: usize) {
        let (Some(list), Some(bound)) = (self.lists.get_mut(query), self.bounds.get_mut(query)) else { return };
        if let Some(last) = self.k.checked_sub(1).filter(|last| *last < list.rows.len()) {
            let (_, (_, least), _) = list.rows.select_nth_unstable_by(last, |a, b| b.1.total_cmp(&a.1));
            *bound = bound.max(below(f64::from(*least) - 2.0 * self.margin));
            list.rows.retain(|(_, product)| product >= bound);
        }
        list.limit = (2 * list.rows.len()).max(self.k.saturating_add(SLACK));
    }
}

/// The greatest number in single precision that is not above `x`; the least there is if `x` is not a number.
fn below(x: f64) -> f32 {
    let near = x as f32;
    if f64::from(near) > x {
        near.next_down()
    } else if near.is_nan() {
        f32::NEG_INFINITY
    } else {
        near
    }
}

/// Hands rows to the lists.
struct Select<'a> {
    best: &'a mut Best,
    first_row: u64,
}

impl Sink for Select<'_> {
    #[inline(always)]
    fn tile<S: Simd, const ROWS: usize, const VECTORS: usize>(
        &mut self,
        simd: S,
        row: usize,
        column: usize,
        tile: &[[S::f32s; VECTORS]; ROWS],
    ) {
        let (bounds, _) = S::as_simd_f32s(&self.best.bounds[column..column + VECTORS * S::F32_LANES]);
        let mut reached = simd.greater_than_or_equal_f32s(tile[0][0], bounds[0]);
        for products in tile {
            for j in 0..VECTORS {
                reached = simd.or_m32s(reached, simd.greater_than_or_equal_f32s(products[j], bounds[j]));
            }
        }
        if simd.first_true_m32s(reached) < S::F32_LANES {
            // A copy, so that the sums themselves need no address and stay in registers.
            let tile = *tile;
            self.each::<S, ROWS, VECTORS>(row, column, &tile);
        }
    }

    #[inline(always)]
    fn values<const QUERIES: usize>(&mut self, row: usize, column: usize, values: &[[f32; QUERIES]]) {
        for (i, products) in values.iter().enumerate() {
            for (j, product) in products.iter().enumerate() {
                if *product >= self.best.bounds[column + j] {
                    self.best.offer(column + j, self.first_row.wrapping_add((row + i) as u64), *product);
                }
            }
        }
    }
}

impl Select<'_> {
    /// Looks at every product of a tile.
    #[cold]
    #[inline(never)]
    fn each<S: Simd, const ROWS: usize, const VECTORS: usize>(
        &mut self,
        row: usize,
        column: usize,
        tile: &[[S::f32s; VECTORS]; ROWS],
    ) {
        for (i, products) in tile.iter().enumerate() {
            let products =
                products.iter().flat_map(|vector| pulp::bytemuck::cast_slice::<_, f32>(std::slice::from_ref(vector)));
            for (j, product) in products.enumerate() {
                if *product >= self.best.bounds[column + j] {
                    self.best.offer(column + j, self.first_row.wrapping_add((row + i) as u64), *product);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::queries::tests::{each, exact, noise};
    use super::*;

    const MARGIN: f32 = 1e-4;

    /// The `k` rows with the greatest exact products, the lower row first among equals.
    fn top(
        rows: impl Iterator<Item = u64>,
        all: &[f32],
        stride: usize,
        offset: usize,
        query: &[f32],
        k: usize,
    ) -> Vec<u64> {
        let product = |row: u64| exact(query, &all[row as usize * stride + offset..]);
        let mut rows: Vec<(f64, u64)> = rows.map(|row| (product(row), row)).filter(|(p, _)| !p.is_nan()).collect();
        rows.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        rows.into_iter().take(k).map(|(_, row)| row).collect()
    }

    #[test]
    fn the_true_best_are_kept_whatever_the_blocks() {
        for case in 0..600usize {
            let (width, count, n, k) = (1 + case * 13 % 69, 1 + case * 7 % 40, case * 17 % 50, 1 + case % 11);
            let (offset, stride) = (case % 3, width + 3 + case % 5);
            let queries = noise(case as u64, count * width);
            let mut all = noise(case as u64 + 5000, n * stride);
            if case % 2 == 0 {
                // Many ties, and rows that are not numbers.
                all.iter_mut().for_each(|x| *x = x.round());
                all.iter_mut().skip(3).step_by(97).for_each(|x| *x = f32::NAN);
            }
            if case % 5 == 0 {
                let first = all.get(..stride).map(<[f32]>::to_vec).unwrap_or_default();
                all.chunks_exact_mut(stride).step_by(2).for_each(|row| row.copy_from_slice(&first));
            }
            let packed = Queries::new(width, queries.chunks_exact(width));
            let mut whole = Best::new(count, k, MARGIN);
            whole.push_block(&packed, &all, stride, offset, 0);
            let whole = whole.finish();
            for split in [1, 2, 7, 24] {
                let mut parts = [Best::new(count, k, MARGIN), Best::new(count, k, MARGIN)];
                for (i, block) in all.chunks(split * stride).enumerate() {
                    parts[i * i % 3 % 2].push_block(&packed, block, stride, offset, (i * split) as u64);
                }
                let [mut one, other] = parts;
                one.merge(other);
                assert_eq!(one.finish(), whole, "case {case}, blocks of {split}");
            }
            for (query, kept) in queries.chunks_exact(width).zip(&whole) {
                assert!(kept.is_sorted_by(|a, b| a.0 < b.0) && kept.iter().all(|(_, product)| !product.is_nan()));
                let found = top(kept.iter().map(|(row, _)| *row), &all, stride, offset, &query[..width], k);
                assert_eq!(found, top(0..n as u64, &all, stride, offset, query, k), "case {case}");
            }
        }
    }

    #[test]
    fn every_instruction_set_keeps_the_true_best() {
        let (width, count, n, k) = (75, 45, 1000, 10);
        let (queries, all) = (noise(1, count * width), noise(2, n * width));
        let packed = Queries::new(width, queries.chunks_exact(width));
        for arch in each() {
            let mut best = Best::new(count, k, MARGIN);
            let rows = Rows::new(&all, width, 0, width);
            packed.scan_with(arch, rows, &mut Select { best: &mut best, first_row: 0 });
            for (query, kept) in queries.chunks_exact(width).zip(best.finish()) {
                assert!(kept.len() < 2 * k, "{arch:?}");
                let found = top(kept.iter().map(|(row, _)| *row), &all, width, 0, query, k);
                assert_eq!(found, top(0..n as u64, &all, width, 0, query, k), "{arch:?}");
            }
        }
    }

    #[test]
    fn a_wide_margin_keeps_every_row_and_no_place_none() {
        let all = noise(3, 100 * 8);
        let packed = Queries::new(8, all.chunks_exact(8).take(3));
        for (k, margin, kept) in [(5, f32::INFINITY, 100), (5, f32::NAN, 100), (200, 0.0, 100), (0, 0.0, 0)] {
            let mut best = Best::new(3, k, margin);
            best.push_block(&packed, &all, 8, 0, 7);
            assert!(best.finish().iter().all(|rows| rows.len() == kept));
        }
        // Queries beyond those that were announced are ignored.
        let mut best = Best::new(1, 5, 0.0);
        best.push_block(&packed, &all, 8, 0, u64::MAX);
        assert_eq!(best.finish().len(), 1);
    }

    #[test]
    fn bounds_are_rounded_down() {
        assert_eq!(below(1.0), 1.0);
        assert!(f64::from(below(0.1)) <= 0.1 && f64::from(below(-0.1)) <= -0.1);
        assert_eq!((below(1e300), below(f64::NAN)), (f32::MAX, f32::NEG_INFINITY));
    }
}
