//! Options of `gravix batch` for tables: what a row asks, which rows are sent, and how
//! they are written.

use clap::ValueHint;

use crate::cli::table_values::{
    OutputFormat, SampleArg, column, delimiter, positive_count, sample,
};

// How a table is read, and what is asked about its rows.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Input")]
pub struct TableInputArgs {
    /// Read a table: CSV with a header
    ///
    /// The default for a FILE that ends in .csv. The rows are asked about with -T.
    /// Cells may have quotes, and newlines in them. Nothing is sent if the table has no
    /// header, if two of its columns have the same name, if a row has fewer or
    /// more cells than the header, or if its quotes never end.
    #[arg(long, conflicts_with_all = ["lines", "null", "tsv"])]
    pub csv: bool,

    /// Read a table: tab-separated values with a header
    ///
    /// The default for a FILE that ends in .tsv or .tab.
    #[arg(long, conflicts_with_all = ["lines", "null"], hide_short_help = true)]
    pub tsv: bool,

    /// Use C between the cells of a table, such as ';'
    #[arg(long, value_name = "C", value_parser = delimiter, hide_short_help = true, value_hint = ValueHint::Other)]
    pub delimiter: Option<u8>,

    /// Ask this about each row: '...{{COLUMN}}...'
    ///
    /// A row is one of a table, or a line with a JSON object of any fields. {{COLUMN}}
    /// stands for what the row has in that column; with --lines, {{input}} stands
    /// for the line. Only the template is expanded, never what a cell says, and no other
    /// column is sent. Instead of a text with {{ in it, name a template: NAME is
    /// prompts/NAME.md beside the configuration file, or a
    /// path such as ./NAME.md. --system may have variables too. Write \{{ for the
    /// braces themselves.
    #[arg(short = 'T', long, value_name = "TEXT|NAME", value_hint = ValueHint::Other)]
    pub template: Option<String>,

    /// Use the value of COLUMN as the id of a row
    ///
    /// Needs --template. The ids must be different: by its id a row is recognized when the run is
    /// resumed. Without --id, a row of a table has its number, counted from 1
    /// without the header, and a JSON object its id or the number of its line.
    #[arg(long, value_name = "COLUMN", hide_short_help = true, value_hint = ValueHint::Other)]
    pub id: Option<String>,

    /// Leave out rows whose prompt comes out empty
    ///
    /// Needs --template. By default, such a row is a failure.
    #[arg(long, hide_short_help = true)]
    pub skip_empty: bool,
}

// Which records are sent.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Input")]
pub struct SelectionArgs {
    /// Send only the first N requests of the input, done or not
    #[arg(long, value_name = "N", value_parser = positive_count, hide_short_help = true, value_hint = ValueHint::Other)]
    pub limit: Option<u64>,

    /// Send N requests picked at random; the same ones for the same SEED
    ///
    /// SEED is a number, 0 by default. A larger sample has all requests of a smaller one, and
    /// a run without --sample goes on from there.
    #[arg(
        long,
        value_name = "N[:SEED]",
        value_parser = sample,
        conflicts_with = "limit",
        hide_short_help = true,
        value_hint = ValueHint::Other
    )]
    pub sample: Option<SampleArg>,

    /// Send equal requests once, and give the reply to all of them
    ///
    /// Needs -o FILE. The copies are written at the end of the run. They carry no
    /// usage, so that nothing is counted twice.
    #[arg(long, hide_short_help = true)]
    pub dedupe: bool,

    /// Send nothing; show the requests and their cost
    ///
    /// The first of them are printed, then how many there are and how many are done.
    /// The prompts are estimated at 4 bytes a token, or from the replies that
    /// -o FILE already has. The cost needs a price in the configuration, such as
    /// price = [0.15, 0.60], for a million tokens in and out.
    #[arg(long)]
    pub dry_run: bool,
}

// How rows are written.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Output")]
pub struct TableOutputArgs {
    /// Write csv, tsv, jsonl, batch or text
    ///
    /// By default, the ending of -o FILE decides: .csv, .tsv or .jsonl. Without such an
    /// ending, the rows of a table are written as they were read. In csv, tsv and jsonl, a row
    /// has its own columns, then the reply and an error, which is empty (null in
    /// JSON) if there is a reply. In -o FILE, all rows are in the order of the input;
    /// it is written at the end of each run, also of an interrupted one, from the results in
    /// FILE.jsonl, to which they are appended as they come. To standard
    /// output, rows are written as they are done, or with --ordered in their order. jsonl
    /// are the rows as objects if the input is a table or -T is given, and the lines of
    /// batch, which are those of the Batch API, otherwise; text is --text.
    #[arg(
        long,
        value_name = "FORMAT",
        value_enum,
        hide_possible_values = true,
        conflicts_with = "text"
    )]
    pub format: Option<OutputFormat>,

    /// Name the column of the reply (default reply)
    ///
    /// With --schema, the whole reply is in this one column, as JSON.
    #[arg(long, value_name = "NAME", value_parser = column, conflicts_with = "columns", hide_short_help = true, value_hint = ValueHint::Other)]
    pub column: Option<String>,

    /// Write these fields of a reply in JSON, each in a column of its name
    ///
    /// With a --schema of type object, all its properties have columns by default.
    #[arg(long, value_name = "A,B", value_delimiter = ',', num_args = 1, value_parser = column, hide_short_help = true, value_hint = ValueHint::Other)]
    pub columns: Vec<String>,

    /// Write only these columns of the input, in this order
    #[arg(long, value_name = "A,B", value_delimiter = ',', num_args = 1, value_parser = column, hide_short_help = true, value_hint = ValueHint::Other)]
    pub keep: Vec<String>,

    /// Leave out these columns of the input
    #[arg(long, value_name = "A,B", value_delimiter = ',', num_args = 1, value_parser = column, conflicts_with = "keep", hide_short_help = true, value_hint = ValueHint::Other)]
    pub drop: Vec<String>,
}
