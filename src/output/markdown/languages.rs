//! The languages whose code is highlighted: how they write comments and strings, and
//! their keywords.

#[derive(Debug)]
pub struct Language {
    /// As models name it on a fence.
    names: &'static str,
    pub comment: &'static str,
    /// The start and the end of a comment over several lines; empty if there is none.
    pub block: (&'static str, &'static str),
    pub quotes: &'static str,
    /// Quotes of strings over several lines.
    pub long_quotes: &'static [&'static str],
    keywords: &'static str,
}

const C_BLOCK: (&str, &str) = ("/*", "*/");

const LANGUAGES: [Language; 11] = [
    Language {
        names: "python py python3",
        comment: "#",
        block: ("", ""),
        quotes: "\"'",
        long_quotes: &["\"\"\"", "'''"],
        keywords: "and as assert async await break case class continue def del elif else except \
            False finally for from global if import in is lambda match None nonlocal not or pass \
            raise return True try while with yield",
    },
    Language {
        names: "javascript js jsx typescript ts tsx",
        comment: "//",
        block: C_BLOCK,
        quotes: "\"'",
        long_quotes: &["`"],
        keywords: "as async await break case catch class const continue default delete do else \
            enum export extends false finally for from function if implements import in instanceof \
            interface let new null of return static super switch this throw true try type typeof \
            undefined var void while yield",
    },
    Language {
        names: "bash sh shell zsh",
        comment: "#",
        block: ("", ""),
        quotes: "\"'",
        long_quotes: &[],
        keywords: "case do done elif else esac export fi for function if in local return select \
            set then until while",
    },
    Language {
        names: "rust rs",
        comment: "//",
        block: C_BLOCK,
        quotes: "\"",
        long_quotes: &[],
        keywords: "as async await break const continue crate dyn else enum extern false fn for if \
            impl in let loop match mod move mut pub ref return self Self static struct super trait \
            true type unsafe use where while",
    },
    Language {
        names: "go golang",
        comment: "//",
        block: C_BLOCK,
        quotes: "\"'",
        long_quotes: &["`"],
        keywords: "break case chan const continue default defer else fallthrough false for func go \
            goto if import interface map nil package range return select struct switch true type \
            var",
    },
    Language {
        names: "java kotlin kt csharp cs c#",
        comment: "//",
        block: C_BLOCK,
        quotes: "\"'",
        long_quotes: &["\"\"\""],
        keywords: "abstract async await boolean break case catch char class const continue default \
            do double else enum extends false final finally float for foreach fun if implements \
            import in instanceof int interface is internal long namespace new null object override \
            package private protected public record return sealed static string super switch this \
            throw throws true try using val var void when while",
    },
    Language {
        names: "c cpp c++ h hpp",
        comment: "//",
        block: C_BLOCK,
        quotes: "\"'",
        long_quotes: &[],
        keywords: "auto bool break case catch char class const constexpr continue default delete do \
            double else enum extern false float for if include inline int long namespace new \
            nullptr operator private protected public return short signed sizeof static struct \
            switch template this throw true try typedef typename union unsigned using virtual void \
            while",
    },
    Language {
        names: "ruby rb",
        comment: "#",
        block: ("", ""),
        quotes: "\"'",
        long_quotes: &[],
        keywords: "and begin break case class def do else elsif end ensure false for if in module \
            next nil not or redo rescue return self super then true unless until when while yield",
    },
    Language {
        names: "sql mysql postgresql sqlite",
        comment: "--",
        block: C_BLOCK,
        quotes: "'\"",
        long_quotes: &[],
        keywords: "ALTER AND AS ASC BETWEEN BY CASE CREATE DELETE DESC DISTINCT DROP ELSE END \
            EXISTS FROM FULL GROUP HAVING IN INDEX INNER INSERT INTO IS JOIN KEY LEFT LIKE LIMIT \
            NOT NULL ON OR ORDER OUTER PRIMARY REFERENCES RIGHT SELECT SET TABLE THEN UNION UPDATE \
            VALUES VIEW WHEN WHERE WITH",
    },
    Language {
        names: "json jsonc",
        comment: "//",
        block: C_BLOCK,
        quotes: "\"",
        long_quotes: &[],
        keywords: "false null true",
    },
    Language {
        names: "yaml yml toml ini dockerfile makefile",
        comment: "#",
        block: ("", ""),
        quotes: "\"'",
        long_quotes: &[],
        keywords: "false null true",
    },
];

impl Language {
    /// The language that the info string of a fence names first.
    pub fn named(info: &str) -> Option<&'static Self> {
        let name = info.split([' ', ',', '{', ':']).next().unwrap_or_default();
        let name = name.to_ascii_lowercase();
        LANGUAGES.iter().find(|language| language.names.split(' ').any(|known| known == name))
    }

    pub fn is_keyword(&self, word: &str) -> bool {
        let is_sql = self.comment == "--";
        self.keywords.split_ascii_whitespace().any(|keyword| match is_sql {
            true => keyword.eq_ignore_ascii_case(word),
            false => keyword == word,
        })
    }
}
