//! The words of a report, in one table: every sentence, heading and label, with names in braces where values go.
//!
//! A translation is a file with the same keys. It is refused where a key is missing or unknown, or where a text has
//! other names in braces than the English one, so that no value can be left out of a sentence unawares. What likelihood
//! ratios are in words stands in [`crate::calibration::verbal`], next to the table that it comes from.

use crate::error::{DocumentKind, Error, ErrorKind, Result};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::path::Path;

/// The English table.
pub const ENGLISH: &str = include_str!("en.toml");

/// Texts by section, all of them required.
macro_rules! sections {
    ($($(#[$about:meta])* $name:ident { $($field:ident),* $(,)? })*) => {$(
        $(#[$about])*
        #[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
        #[serde(deny_unknown_fields)]
        #[allow(missing_docs, reason = "the English table says what each is")]
        pub struct $name { $(pub $field: String),* }
    )*};
}

sections! {
    /// The title block and foot.
    DocumentTexts {
        title,
        scan_title,
        contents,
        case_number,
        client,
        analyst,
        date,
        program,
        result,
        reference,
        candidates,
        made_by,
        footer,
        no_case,
        not_stated,
        none,
        yes,
        no,
        unknown,
    }
    /// The first page.
    SummaryTexts {
        more_cautions,
        title,
        question,
        no_question,
        answer,
        likeness_sentence,
        likeness_none,
        evidence_sentence,
        evidence_none,
        refused_sentence,
        forced_sentence,
        likeness_title,
        likeness_value,
        likeness_text,
        likeness_note,
        evidence_title,
        evidence_value,
        evidence_text,
        evidence_note_bound,
        evidence_note,
        nothing_value,
        table,
        propositions,
        limits,
        limit_ratio,
        limit_rank,
        limit_origin,
        limit_population,
        limit_calibration,
    }
    /// Items received.
    ItemsTexts {
        title,
        intro,
        caption,
        role,
        file,
        sha256,
        size,
        format,
        duration,
        speech,
        used,
        role_reference,
        role_candidate,
        role_model,
        role_calibration,
        role_cohort,
        from_model,
        built_in,
        duplicate,
    }
    /// Propositions and population.
    PropositionsTexts {
        title,
        intro,
        first,
        second,
        phrase,
        phrase_it,
        none,
        population,
        population_text,
        population_sex,
        population_filters,
        population_why,
        population_no_why,
        population_none,
        language,
    }
    /// Method.
    MethodTexts {
        title,
        pipeline,
        encoders,
        encoder_mfcc,
        encoder_mfcc_lda,
        encoder_ge2e,
        encoder_campplus,
        ratio,
        ratio_several,
        ratio_logistic,
        ratio_pav,
        ratio_bi_gaussian,
        ratio_bounds,
        ratio_data,
        terms,
        neutral,
        weight,
        ratio_none,
        rank,
        narrow,
        deterministic,
    }
    /// Results.
    ResultsTexts {
        title,
        candidate_title,
        scores,
        encoder,
        cosine,
        distance,
        best,
        median,
        as_norm,
        rank,
        ceiling,
        floor,
        rank_heading,
        rank_text,
        rank_fusion,
        rank_other,
        rank_nearest,
        nearest_closer,
        nearest,
        rank_none,
        fit,
        fit_yes,
        fit_no,
        evidence_heading,
        evidence_text,
        evidence_text_bound,
        evidence_interval,
        evidence_bounds,
        evidence_bounds_same,
        evidence_prior,
        evidence_none,
        conflict,
        conflict_high_rank,
        conflict_low_rank,
        scale_warning,
        in_reference_same,
        in_reference_folder,
        refused,
        forced,
        gate_passed,
        gate_stopped,
    }
    /// Controls.
    ControlsTexts { title, intro, caption, control, least, middle, greatest, count, own, other, none }
    /// What carries the score.
    DriversTexts {
        title,
        segments_heading,
        segments_text,
        segments_caption,
        from,
        to,
        speech,
        log10_lr,
        window_lr,
        narrow_window,
        segments_more,
        segments_none,
        clips_heading,
        clips_text,
        clips_caption,
        clip,
        alone,
        without,
        without_lr,
        clips_range,
        clips_range_cosine,
        clips_one,
    }
    /// Acoustic-phonetic measurements.
    VoiceTexts {
        title,
        intro,
        caption,
        descriptor,
        unit,
        reference,
        candidate,
        reference_percentile,
        candidate_percentile,
        difference,
        channel,
        channel_low,
        channel_moderate,
        channel_high,
        population,
        narrow,
        cut,
        population_none,
        none,
        ceilings,
        ceilings_differ,
        sensitivity,
    }
    /// Titles, axes and captions of pictures.
    PicturesTexts {
        first,
        population_title,
        population_about,
        population_caption,
        cosine_axis,
        voices_axis,
        population_key,
        population_figures,
        candidate_key,
        candidate_figures,
        own_key,
        own_figures,
        tippett_title,
        tippett_about,
        tippett_caption,
        tippett_x,
        tippett_y,
        tippett_target,
        tippett_non_target,
        tippett_misleading,
        tippett_case,
        waveform_title,
        waveform_about,
        waveform_caption,
        seconds_axis,
        segments_lr_axis,
        segments_cosine_axis,
        window_key,
        window_figures,
        whole_key,
        clips_title,
        clips_about,
        clips_caption,
        clips_alone,
        clips_without,
        clips_more,
        spectrogram_reference,
        spectrogram_candidate,
        spectrogram_alternative,
        spectrogram_caption,
        hertz_axis,
        f0_title,
        f0_about,
        f0_caption,
        f0_axis,
        share_axis,
        formants_title,
        formants_about,
        formants_caption,
        formants_axis,
        ltas_title,
        ltas_about,
        ltas_caption,
        ltas_x,
        ltas_y,
        reference_key,
        candidate_short_key,
    }
    /// Excerpts to listen to.
    SoundsTexts { title, pictures, more, intro, caption }
    /// Quality and exclusions.
    QualityTexts {
        title,
        caption,
        level,
        snr,
        clipped,
        bandwidth,
        remarks,
        excluded,
        none_excluded,
        none_remarks,
        general,
    }
    /// Validation of the calibration.
    ValidationTexts {
        title,
        intro_groups,
        intro_speakers,
        measures,
        group_page,
        group_system,
        group_set,
        group_other,
        left_out_groups,
        left_out_speakers,
        groups_caption,
        groups_brackets,
        groups_pooled,
        groups_text,
        group_speakers,
        group_target,
        group_non_target,
        group_eer,
        group_best,
        group_difference,
        group_cllr,
        group_mean,
        groups_further,
        groups_none,
        misleading,
        compared_in,
        caption_groups,
        caption_speakers,
        by_speakers,
        by_speakers_easier,
        figure,
        value,
        interval_groups,
        interval_speakers,
        cllr,
        cllr_min,
        eer,
        misleading_target,
        misleading_non_target,
        bounds,
        none,
        wide,
        narrow_band,
        ranges,
        quantity,
        least,
        greatest,
        refuses,
        refuses_low,
        refuses_high,
        refuses_none,
        exemplars,
        case_conditions,
    }
    /// Limits.
    LimitsTexts {
        title,
        limits,
        limit_same,
        limit_channel,
        limit_dependence,
        limit_population,
        limit_words,
        change,
        change_more,
        change_population,
        change_calibration,
        change_source,
        change_other,
    }
    /// How to compute the result again.
    RerunTexts { title, intro, note }
    /// Appendix.
    AppendixTexts { title, settings, setting, value, result, request }
    /// The report of a scan.
    ScanTexts {
        summary,
        library,
        summary_text,
        chance,
        repeated,
        voices,
        voice,
        recordings,
        compared,
        shown,
        expected,
        expected_at_most,
        expected_about,
        expected_interval,
        closest,
        withheld_clips,
        hit_title,
        clip,
        library_voice,
        rank,
        likeness,
        cosine,
        log10_lr,
        figures,
        figure,
        value,
        length,
        speech,
        evidence_text_bound,
        evidence_text,
        posterior_text,
        no_hits,
        withheld,
        left_out,
        rows_by_others,
        limits_title,
        limits,
    }
}

/// All texts of a report in one language.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Texts {
    /// The language, a BCP 47 tag such as `en`.
    pub language: String,
    /// The title block and foot.
    pub document: DocumentTexts,
    /// The first page.
    pub summary: SummaryTexts,
    /// Items received.
    pub items: ItemsTexts,
    /// Propositions and population.
    pub propositions: PropositionsTexts,
    /// Method.
    pub method: MethodTexts,
    /// Results.
    pub results: ResultsTexts,
    /// Controls.
    pub controls: ControlsTexts,
    /// What carries the score.
    pub drivers: DriversTexts,
    /// Acoustic-phonetic measurements.
    pub voice: VoiceTexts,
    /// Titles, axes and captions of pictures.
    pub pictures: PicturesTexts,
    /// Excerpts to listen to.
    pub sounds: SoundsTexts,
    /// Quality and exclusions.
    pub quality: QualityTexts,
    /// Validation of the calibration.
    pub validation: ValidationTexts,
    /// Limits.
    pub limits: LimitsTexts,
    /// How to compute the result again.
    pub rerun: RerunTexts,
    /// Appendix.
    pub appendix: AppendixTexts,
    /// The report of a scan.
    pub scan: ScanTexts,
}

impl Texts {
    /// The English texts.
    ///
    /// # Errors
    /// [`ErrorKind::Model`] where the table that was built in is none.
    pub fn english() -> Result<Self> {
        let wrong = |found: String| {
            Error::from(ErrorKind::Model { name: "texts", found, expected: "the texts of a report".into() })
        };
        toml::from_str(ENGLISH).map_err(|error| wrong(error.to_string()))
    }

    /// Reads the text of a translation; `path` is told in errors.
    ///
    /// # Errors
    /// [`ErrorKind::Document`] where it is no table of texts, or a text has other names in braces than the English one.
    pub fn parse(path: &Path, text: &str) -> Result<Self> {
        let wrong = |found: String, expected: String| {
            Error::from(ErrorKind::Document { path: path.into(), what: DocumentKind::Texts, found, expected })
        };
        let expected = "a table with the keys of the English one (soundalike report --print-texts)";
        let texts: Texts = toml::from_str(text).map_err(|error| wrong(told(&error, text), expected.into()))?;
        match differing(text)? {
            None => Ok(texts),
            Some((key, found, english)) => {
                let found = format!("{key} with the names {found}");
                Err(wrong(found, format!("the names of the English text, {english}")))
            }
        }
    }
}

/// What is wrong with a TOML text and in which line; the line itself may be of any length.
pub(crate) fn told(error: &toml::de::Error, text: &str) -> String {
    let before = error.span().and_then(|span| text.get(..span.start));
    let line = before.map_or(String::new(), |before| format!(" in line {}", before.matches('\n').count() + 1));
    let message: String = error.message().chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect();
    format!("{message}{line}")
}

/// The first key whose text has other names in braces than the English one, with both lists of names.
fn differing(text: &str) -> Result<Option<(String, String, String)>> {
    let wrong = |error: toml::de::Error| {
        Error::from(ErrorKind::Model { name: "texts", found: error.to_string(), expected: "a table".into() })
    };
    let (ours, theirs): (toml::Table, toml::Table) =
        (toml::from_str(ENGLISH).map_err(wrong)?, toml::from_str(text).map_err(wrong)?);
    for (section, entries) in &ours {
        for (key, english) in entries.as_table().into_iter().flatten() {
            let translated = theirs.get(section).and_then(|entries| entries.get(key));
            let [a, b] = [Some(english), translated].map(|text| names(text.and_then(|t| t.as_str()).unwrap_or("")));
            if a != b {
                let list = |names: &BTreeSet<&str>| match names.is_empty() {
                    true => "none".into(),
                    false => names.iter().copied().collect::<Vec<_>>().join(", "),
                };
                return Ok(Some((format!("{section}.{key}"), list(&b), list(&a))));
            }
        }
    }
    Ok(None)
}

/// The names in braces in a text.
fn names(text: &str) -> BTreeSet<&str> {
    text.split('{').skip(1).filter_map(|rest| rest.split_once('}').map(|(name, _)| name)).collect()
}

/// A text with values in the places of the names in braces. What a value holds is not read again, so that braces in a
/// file's name stay what they are.
pub fn fill(text: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        match after.split_once('}') {
            Some((name, after)) => {
                match values.iter().find(|(known, _)| *known == name) {
                    Some((_, value)) => filled.push_str(value),
                    None => {
                        filled.push('{');
                        filled.push_str(name);
                        filled.push('}');
                    }
                }
                rest = after;
            }
            None => {
                filled.push('{');
                rest = after;
            }
        }
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_go_where_their_names_stand_and_are_not_read_again() {
        assert_eq!(fill("a {x} b {y}", &[("x", "{y}"), ("y", "2")]), "a {y} b 2");
        assert_eq!(fill("{unknown} and { open", &[]), "{unknown} and { open");
    }

    #[test]
    fn a_translation_has_the_same_keys_and_names() {
        let read = |text: &str| Texts::parse("de.toml".as_ref(), text);
        assert_eq!(read(&ENGLISH.replace("In short", "Kurz gesagt")).unwrap().summary.title, "Kurz gesagt");
        let message =
            read(&ENGLISH.replace("of {n} voices of the population\"", "of the voices\"")).unwrap_err().to_string();
        assert!(message.contains("summary.likeness_text with the names none"), "{message}");
        let message = read(&ENGLISH.replace("likeness_text = ", "likenes_text = ")).unwrap_err().to_string();
        assert!(message.contains("likenes_text") && message.contains("de.toml"), "{message}");
    }
}
