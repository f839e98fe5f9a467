//! Options that several commands have: what is read, by which encoders, and what scores are held against.

use super::audit;
use clap::Args;
use soundalike::audio::Channel;
use soundalike::encoder::{Encoder, EncoderSet, Models, Panel, PanelSettings};
use soundalike::library::cohort::Cohort;
use soundalike::library::{
    DEFAULT_CONDITION, Filter, LabelFiles, Labels, LoadedCalibration, ReferenceSource, Selection,
};
use soundalike::{ErrorKind, Result};
use std::path::{Path, PathBuf};

/// Which channel of a recording is read.
#[derive(Args)]
pub struct ChannelArg {
    /// Channel that is used: mix (mean of all), left, right, a number from 1, or loudest (a second pass); files with
    /// one channel are used as they are
    #[arg(long, default_value = "mix", value_name = "CHANNEL")]
    pub channel: Channel,
}

/// Which encoders run.
#[derive(Args)]
pub struct EncoderArg {
    #[arg(long, value_name = "LIST", help = encoder_help())]
    pub encoder: Option<EncoderSet>,
    #[command(flatten)]
    pub models: ModelsArg,
}

/// Where the networks' weights are.
#[derive(Args, Clone)]
pub struct ModelsArg {
    /// Folder of the speaker networks' weights, ge2e.safetensors and campplus.safetensors of this version [default:
    /// those in the program]
    #[arg(long, value_name = "FOLDER")]
    pub models: Option<PathBuf>,
}

impl ModelsArg {
    pub fn models(&self) -> Models {
        self.models.clone().map_or(Models::BuiltIn, Models::Folder)
    }
}

/// Where labels come from.
#[derive(Args)]
pub struct LabelArgs {
    /// Tab-separated table of labelled clips
    #[arg(long, value_name = "FILE", required_unless_present = "trials")]
    pub manifest: Option<PathBuf>,
    /// List of trials in the format of VoxCeleb, `1 enrol.wav test.wav` a line (1 one voice, 0 two); with --manifest
    /// the table tells more of its clips
    #[arg(long, value_name = "FILE")]
    pub trials: Option<PathBuf>,
    /// Folder that the paths start from (default: that of the table or list)
    #[arg(long, value_name = "FOLDER")]
    pub root: Option<PathBuf>,
    /// Use only the lines whose column `split` has this value; give the option again for more values
    #[arg(long, value_name = "NAME")]
    pub split: Vec<String>,
    /// Use only the lines whose COLUMN is like PATTERN, or with != is not: * ? and [...] are wildcards, | separates
    /// alternatives; given again, all must hold
    #[arg(long = "where", value_name = "COLUMN=PATTERN")]
    pub filters: Vec<Filter>,
    /// The same for synthetic lines only; real ones are not asked
    #[arg(long = "where-synthetic", value_name = "COLUMN=PATTERN")]
    pub synthetic_filters: Vec<Filter>,
}

impl LabelArgs {
    /// Whether there is a list of trials.
    pub fn is_list(&self) -> bool {
        self.trials.is_some()
    }

    /// Reads the labels, with the cells of columns that must be there and of some that may.
    pub fn read(&self, required: &[&str], wanted: &[&str]) -> Result<Labels> {
        let labels = self.read_labels(required, wanted)?;
        audit::labels(self, &labels);
        Ok(labels)
    }

    fn read_labels(&self, required: &[&str], wanted: &[&str]) -> Result<Labels> {
        let selection = Selection {
            splits: self.split.clone(),
            filters: self.filters.clone(),
            synthetic_filters: self.synthetic_filters.clone(),
        };
        let files = LabelFiles {
            manifest: self.manifest.as_deref(),
            trials: self.trials.as_deref(),
            root: self.root.as_deref(),
            selection,
        };
        Labels::read(&files, required, wanted)
    }
}

/// Which calibration is used.
#[derive(Args)]
pub struct CalibrationArgs {
    /// Condition whose calibration is used: real-synthetic (a candidate of 2022 or later that was made from a recording
    /// of a voice), real-conversion (older text-to-speech, and voice conversion) or real-real (people) [default:
    /// real-synthetic; of evaluate: that of the pairs]
    #[arg(long, value_name = "NAME", conflicts_with = "calibration")]
    pub condition: Option<String>,
    /// Calibration of your own, made by `calibrate`, in the place of one in the program
    #[arg(long, value_name = "FILE")]
    pub calibration: Option<PathBuf>,
}

impl CalibrationArgs {
    /// The calibration that was asked for; `condition` where none was.
    pub fn read(&self, condition: Option<&str>) -> Result<LoadedCalibration> {
        let loaded = match &self.calibration {
            Some(file) => LoadedCalibration::read(file),
            None => {
                let asked = self.condition.as_deref().or(condition);
                LoadedCalibration::built_in(asked.unwrap_or(DEFAULT_CONDITION))
            }
        }?;
        audit::input(&format!("calibration: {}", loaded.origin), Some(&loaded.sha256));
        Ok(loaded)
    }
}

/// The population that candidates are ranked in.
#[derive(Args)]
pub struct PopulationArgs {
    /// Population that candidates are ranked in: a file made by `cohort`, or default for the one in the program
    #[arg(long, default_value = "default", value_name = "NAME|FILE")]
    pub cohort: PathBuf,
    /// Use only the cohort's voices whose COLUMN (kind, sex, language, age) is like PATTERN, or with != is not; given
    /// again, all must hold. Without a filter on kind the real voices are the population
    #[arg(long, value_name = "COLUMN=PATTERN", value_parser = cohort_filter)]
    pub cohort_filter: Vec<Filter>,
}

impl PopulationArgs {
    pub fn read(&self) -> Result<Cohort> {
        cohort_named(&self.cohort)
    }
}

/// A filter on what is known of a cohort's voices. A misspelled column would pass no voice, or with != all.
fn cohort_filter(text: &str) -> Result<Filter> {
    let filter: Filter = text.parse()?;
    if super::cohort::COLUMNS.contains(&filter.column()) || filter.column() == "kind" {
        return Ok(filter);
    }
    let (found, expected) = (format!("the column \"{}\"", filter.column()), "kind, sex, language or age".into());
    Err(ErrorKind::Setting { name: "cohort-filter", found, expected }.into())
}

/// A cohort by its name in an option.
pub fn cohort_named(named: &Path) -> Result<Cohort> {
    let cohort = if named.as_os_str() == "default" { Cohort::built_in() } else { Cohort::read(named) }?;
    audit::input(&format!("cohort: {}", cohort.origin), Some(&cohort.sha256));
    Ok(cohort)
}

fn encoder_help() -> String {
    let names: Vec<&str> = Encoder::ALL.iter().map(|encoder| encoder.name()).collect();
    format!(
        "Encoders that are used: names separated by commas (of {}), or all [default: those of the reference's voice \
         model, or {}]",
        names.join(", "),
        EncoderSet::default()
    )
}

/// The panel of the encoders that are asked for, or of those that the reference's voice models hold.
pub fn panel(channel: &ChannelArg, encoder: &EncoderArg, reference: Option<&ReferenceSource>) -> Result<Panel> {
    let held = match (encoder.encoder, reference) {
        (None, Some(reference)) => reference.encoders()?,
        (asked, _) => asked,
    };
    let encoders = held.unwrap_or_default();
    let settings = PanelSettings { channel: channel.channel, encoders, ..Default::default() };
    Panel::with_models(&settings, &encoder.models.models())
}
