//! The corners of the zoo, and who lives in them.

use crate::report::chart::Mark;

/// A corner of the zoo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Group {
    Dove,
    Chameleon,
    Phantom,
    Worm,
}

impl Group {
    /// All of them, as the key lists them.
    pub const ALL: [Group; 4] = [Group::Dove, Group::Phantom, Group::Chameleon, Group::Worm];

    /// Plural, and what it means for the system.
    pub fn words(self) -> (&'static str, &'static str) {
        match self {
            Group::Dove => ("Doves", "like themselves, unlike others"),
            Group::Phantom => ("Phantoms", "unlike themselves and unlike others"),
            Group::Chameleon => ("Chameleons", "like themselves and like others"),
            Group::Worm => ("Worms", "unlike themselves, like others"),
        }
    }

    pub fn is_right(self) -> bool {
        matches!(self, Group::Dove | Group::Chameleon)
    }

    pub fn is_top(self) -> bool {
        matches!(self, Group::Dove | Group::Phantom)
    }

    pub fn mark(self) -> Mark {
        match self {
            Group::Dove => Mark::Circle,
            Group::Phantom => Mark::Up,
            Group::Chameleon => Mark::Diamond,
            Group::Worm => Mark::Square,
        }
    }
}

/// Values that a quarter of all lie below, and above.
pub(super) struct Quartiles {
    pub low: f64,
    pub high: f64,
}

impl Quartiles {
    /// By linear interpolation between the rising values.
    pub fn of(sorted: &[f64]) -> Option<Self> {
        let at = |share: f64| {
            let place = share * sorted.len().checked_sub(1)? as f64;
            let (below, above) = (*sorted.get(place.floor() as usize)?, *sorted.get(place.ceil() as usize)?);
            // Between two infinite values, or on one, there is nothing to interpolate.
            Some(if below == above { below } else { below + place.fract() * (above - below) })
        };
        Some(Quartiles { low: at(0.25)?, high: at(0.75)? })
    }
}

/// The corner in which an animal lies, if it is one.
pub(super) fn group((target, non_target): (f64, f64), x: &Quartiles, y: &Quartiles) -> Option<Group> {
    let side = |value: f64, quartiles: &Quartiles| match value {
        _ if quartiles.low == quartiles.high => None,
        value if value <= quartiles.low => Some(false),
        value if value >= quartiles.high => Some(true),
        _ => None,
    };
    Some(match (side(target, x)?, side(non_target, y)?) {
        (true, false) => Group::Dove,
        (true, true) => Group::Chameleon,
        (false, false) => Group::Phantom,
        (false, true) => Group::Worm,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles_lie_between_values() {
        let quartiles = Quartiles::of(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap();
        assert_eq!((quartiles.low, quartiles.high), (2.25, 4.75));
        assert!(Quartiles::of(&[]).is_none());
    }

    #[test]
    fn a_corner_is_the_outer_quarter_of_both_axes() {
        let quartiles = Quartiles { low: -1.0, high: 1.0 };
        let at = |x: f64, y: f64| group((x, y), &quartiles, &quartiles);
        assert_eq!([at(1.0, -2.0), at(2.0, 1.0)], [Some(Group::Dove), Some(Group::Chameleon)]);
        assert_eq!([at(-1.0, -1.0), at(-2.0, 2.0)], [Some(Group::Phantom), Some(Group::Worm)]);
        assert_eq!([at(0.0, -2.0), at(2.0, 0.5)], [None, None]);
        // Where most are equal, nobody stands out.
        assert_eq!(group((0.0, 2.0), &Quartiles { low: 0.0, high: 0.0 }, &quartiles), None);
    }
}
