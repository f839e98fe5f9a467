//! Which of many things belong together, by pairs that do.

/// Things by number, each in one set; the least number of a set stands for it.
pub(super) struct Joined {
    /// A number nearer to the least of its set.
    parents: Vec<usize>,
}

impl Joined {
    /// So many things, each alone.
    pub fn new(count: usize) -> Self {
        Joined { parents: (0..count).collect() }
    }

    /// The number that stands for the set of a thing.
    pub fn root(&mut self, mut at: usize) -> usize {
        while let Some(&up) = self.parents.get(at).filter(|up| **up != at) {
            let next = self.parents.get(up).copied().unwrap_or(up);
            if let Some(parent) = self.parents.get_mut(at) {
                *parent = next;
            }
            at = next;
        }
        at
    }

    /// Makes one set of those of two things.
    pub fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        if let Some(parent) = self.parents.get_mut(a.max(b)) {
            *parent = a.min(b);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_of_a_set_stands_for_it() {
        let mut joined = Joined::new(6);
        [(4, 5), (1, 4), (3, 5)].into_iter().for_each(|(a, b)| joined.join(a, b));
        assert_eq!((0..6).map(|at| joined.root(at)).collect::<Vec<_>>(), [0, 1, 2, 1, 1, 1]);
    }
}
