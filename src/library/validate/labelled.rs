//! The clips that labels name, encoded, for a validation or a fit; it neither pairs nor scores them.

use crate::encoder::{Panel, Refusal};
use crate::error::Result;
use crate::library::batch::BatchOptions;
use crate::library::labels::{Labels, Listed, Pairs};
use crate::library::validate::evaluate::ClipLeftOut;
use crate::library::validate::scoring::{EncodedClip, Narrow, encode};
use crate::path_text::text_of;
use std::collections::BTreeMap;

/// Encoded clips with their labels.
pub(in crate::library) struct Labelled {
    pub clips: Vec<EncodedClip>,
    /// The labels of each.
    pub listed: Vec<Listed>,
    /// Clips that cannot be used.
    pub left_out: Vec<ClipLeftOut>,
}

impl Labelled {
    /// Encodes the clips of some pairs and keeps those that `usable` takes. Of two clips of a manifest with the same
    /// bytes the first is kept; a list of trials says itself what is compared with what.
    ///
    /// # Errors
    /// Where so many threads cannot be had, or the narrow band cannot be computed.
    pub fn gather(
        panel: &Panel,
        labels: &Labels,
        pairs: Pairs,
        narrow: Narrow,
        usable: impl Fn(EncodedClip) -> std::result::Result<EncodedClip, Refusal>,
        options: &BatchOptions<'_>,
    ) -> Result<Self> {
        let all = labels.clips(pairs);
        let work: Vec<_> = all.iter().map(|clip| (clip.path.clone(), Default::default())).collect();
        let mut gathered = Labelled { clips: Vec::new(), listed: Vec::new(), left_out: Vec::new() };
        let mut seen = Seen::default();
        for (clip, encoded) in all.into_iter().zip(encode(panel, &work, narrow, options)?) {
            let path = text_of(&clip.path);
            let kept = encoded.and_then(&usable).and_then(|encoded| match labels.is_manifest() {
                true => seen.once(encoded.sha256.as_deref(), &path).map(|()| encoded),
                false => Ok(encoded),
            });
            match kept {
                Ok(encoded) => {
                    gathered.clips.push(encoded);
                    gathered.listed.push(clip);
                }
                Err(refusal) => gathered.left_out.push(ClipLeftOut { path, reason: refusal.into() }),
            }
        }
        Ok(gathered)
    }
}

/// Contents that were met, with the clip that had each first.
#[derive(Default)]
struct Seen(BTreeMap<String, String>);

impl Seen {
    /// Refuses a content that was met before; one that is not known is like no other.
    fn once(&mut self, sha256: Option<&str>, path: &str) -> std::result::Result<(), Refusal> {
        let Some(sha256) = sha256 else { return Ok(()) };
        match self.0.get(sha256) {
            Some(twin) => Err(Refusal::Duplicate { of: twin.clone() }),
            None => {
                self.0.insert(sha256.into(), path.into());
                Ok(())
            }
        }
    }
}

/// How many clips are missing and why the first is, for a message; nothing where none is.
pub(in crate::library) fn missing(left_out: &[ClipLeftOut]) -> String {
    let n = left_out.len();
    left_out.first().map_or(String::new(), |first| {
        format!(" ({n} clips left out; the first, {}, because: {})", first.path, first.reason.message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_contents_that_are_known_are_met_twice() {
        let mut seen = Seen::default();
        assert_eq!(seen.once(Some("aa"), "a.wav"), Ok(()));
        assert_eq!(seen.once(None, "b.wav"), Ok(()));
        assert_eq!(seen.once(None, "c.wav"), Ok(()));
        assert_eq!(seen.once(Some("bb"), "d.wav"), Ok(()));
        assert_eq!(seen.once(Some("aa"), "e.wav"), Err(Refusal::Duplicate { of: "a.wav".into() }));
        assert_eq!(seen.once(Some("aa"), "f.wav"), Err(Refusal::Duplicate { of: "a.wav".into() }));
    }
}
