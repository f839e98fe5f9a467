//! A matrix whose rows can be read a little beyond their ends.
//!
//! Rows are channels (or a channel at one frequency), columns are time. Every row lies between margins of zeros, so a
//! convolution reads its edges like any other place, and starts on a cache line, so that vectors are loaded whole.

/// Columns of zeros on either side of a row; the widest reach of a convolution here is 2.
pub(crate) const MARGIN: usize = 16;
/// Values in a cache line.
const LINE: usize = 16;

/// Rows of one length in one block of memory, kept for clip after clip.
#[derive(Clone, Debug, Default)]
pub(crate) struct Grid {
    data: Vec<f32>,
    /// Distance of the first row from the start of the memory: what brings it onto a cache line.
    start: usize,
    rows: usize,
    width: usize,
    stride: usize,
}

impl Grid {
    /// Makes it `rows` by `width` with zeros in the margins. The values of its rows are what they happen to be.
    pub fn shape(&mut self, rows: usize, width: usize) {
        if (self.rows, self.width) == (rows, width) {
            return;
        }
        let lines = width.div_ceil(LINE) + 2 * MARGIN / LINE;
        // An odd number of lines: rows that follow each other do not fall on the same few places of the cache.
        let stride = LINE * (lines | 1);
        let length = rows * stride + LINE;
        if self.data.len() < length {
            self.data.resize(length, 0.0);
        }
        (self.rows, self.width, self.stride) = (rows, width, stride);
        self.start = self.data.as_ptr().align_offset(64).min(LINE);
        self.clear_tail(0, rows);
        for row in 0..rows {
            self.at_mut(row, -(MARGIN as isize))[..MARGIN].fill(0.0);
        }
    }

    /// Puts zeros in whole rows.
    pub fn clear_rows(&mut self, row: usize, count: usize) {
        for row in row..row + count {
            self.row_mut(row).fill(0.0);
        }
    }

    pub fn rows(&self) -> usize {
        self.rows
    }

    pub fn width(&self) -> usize {
        self.width
    }

    pub fn stride(&self) -> usize {
        self.stride
    }

    /// Everything from column `column` of row `row` on; the column may lie in the margin before the row.
    #[inline(always)]
    pub fn at(&self, row: usize, column: isize) -> &[f32] {
        &self.data[self.place(row, column)..]
    }

    /// The same, to be written.
    #[inline(always)]
    pub fn at_mut(&mut self, row: usize, column: isize) -> &mut [f32] {
        let place = self.place(row, column);
        &mut self.data[place..]
    }

    #[inline(always)]
    fn place(&self, row: usize, column: isize) -> usize {
        (self.start + row * self.stride + MARGIN).wrapping_add_signed(column)
    }

    /// A row without its margins.
    pub fn row(&self, row: usize) -> &[f32] {
        &self.at(row, 0)[..self.width]
    }

    /// A row without its margins, to be written.
    pub fn row_mut(&mut self, row: usize) -> &mut [f32] {
        let width = self.width;
        &mut self.at_mut(row, 0)[..width]
    }

    /// Puts the zeros back that whole vectors wrote over, behind the ends of `count` rows.
    #[inline(always)]
    pub fn clear_tail(&mut self, row: usize, count: usize) {
        let (width, stride) = (self.width, self.stride);
        for row in row..row + count {
            self.at_mut(row, 0)[width..stride - MARGIN].fill(0.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_lie_between_zeros_on_cache_lines() {
        let mut grid = Grid::default();
        grid.shape(3, 21);
        for row in 0..3 {
            grid.row_mut(row).fill(1.0 + row as f32);
            assert_eq!(grid.at(row, 0).as_ptr().align_offset(64), 0);
        }
        for row in 0..3 {
            assert_eq!(grid.row(row), [1.0 + row as f32; 21]);
            assert!(grid.at(row, -(MARGIN as isize))[..MARGIN].iter().all(|x| *x == 0.0));
            assert!(grid.at(row, 21)[..MARGIN].iter().all(|x| *x == 0.0));
        }
        grid.at_mut(1, 21)[0] = 5.0;
        grid.clear_tail(0, 3);
        assert_eq!(grid.at(1, 21)[0], 0.0);
        grid.shape(4, 7);
        for row in 0..4 {
            assert!(grid.at(row, -(MARGIN as isize))[..MARGIN].iter().all(|x| *x == 0.0));
            assert!(grid.at(row, 7)[..MARGIN].iter().all(|x| *x == 0.0));
        }
    }
}
