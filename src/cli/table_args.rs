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
    /// The default for a FILE that ends in .csv. Ask about its rows with -T. A cell in
    /// quotes may have newlines in it. Nothing is sent if the table has no header, if
    /// two of its columns have the same name, if a row has fewer or more cells than the
    /// header, or if its quotes never end.
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
    /// A row is that of a table, or a JSON object on a line. The row's value stands in
    /// for each {{COLUMN}}, and with --lines, the line for {{input}}. Only the columns
    /// that the template names are sent, and braces in a value are left as they are.
    /// Instead of a text with {{ in it, name a template: NAME is prompts/NAME.md beside
    /// the configuration file, or a path such as ./NAME.md. --system may have variables
    /// too. Write \{{ for the braces themselves.
    #[arg(short = 'T', long, value_name = "TEXT|NAME", value_hint = ValueHint::Other)]
    pub template: Option<String>,

    /// Use the value of COLUMN as the id of a row
    ///
    /// Needs --template. Each row must have an id of its own: a run that is resumed
    /// recognizes its rows by them. Without --id, the id is the number of the row,
    /// counted from 1 without the header, or for a JSON object its id field, or else
    /// the number of its line.
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
    /// SEED is a number, 0 by default. A larger sample with the same SEED contains the
    /// smaller one, and a run without --sample sends the rest.
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
    /// The first three are printed, then how many there are and how many are done. The
    /// tokens are estimated from the results that -o FILE already has, or else as one
    /// for each 4 bytes of the requests. The cost needs a price in the configuration
    /// file, such as price = [0.15, 0.60], for a million tokens of prompts and of
    /// replies.
    #[arg(long)]
    pub dry_run: bool,
}

// How rows are written.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Output")]
pub struct TableOutputArgs {
    /// Write csv, tsv, jsonl, batch or text
    ///
    /// csv, tsv and jsonl write each row with its own columns, the reply, and an error,
    /// which is empty (null in JSON) if there is a reply. batch writes lines of the
    /// Batch API, and text is --text. For requests without -T, jsonl is batch. Without
    /// --format, the ending of -o FILE decides:
    /// .csv, .tsv or .jsonl. With another ending, and on standard output, a table is
    /// written as it was read, and other rows as jsonl. Requests without -T are written
    /// as batch, unless FILE ends in .csv or .tsv.
    ///
    /// Rows that go to -o FILE are all in it at the end of each run, also of an
    /// interrupted one, in the order of the input. Until then, their results are
    /// appended to FILE.jsonl. On standard output, rows come as they are done, or with
    /// --ordered in the order of the input.
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
    /// With --schema, the whole reply goes into this one column, as JSON.
    #[arg(long, value_name = "NAME", value_parser = column, conflicts_with = "columns", hide_short_help = true, value_hint = ValueHint::Other)]
    pub column: Option<String>,

    /// Write these fields of a JSON reply, each in a column of its name
    ///
    /// By default, a --schema of type object gives each of its properties a column.
    #[arg(long, value_name = "A,B", value_delimiter = ',', num_args = 1, value_parser = column, hide_short_help = true, value_hint = ValueHint::Other)]
    pub columns: Vec<String>,

    /// Write only these columns of the input, in this order
    #[arg(long, value_name = "A,B", value_delimiter = ',', num_args = 1, value_parser = column, hide_short_help = true, value_hint = ValueHint::Other)]
    pub keep: Vec<String>,

    /// Leave out these columns of the input
    #[arg(long, value_name = "A,B", value_delimiter = ',', num_args = 1, value_parser = column, conflicts_with = "keep", hide_short_help = true, value_hint = ValueHint::Other)]
    pub drop: Vec<String>,
}
