//! An untrained language model as a GGUF file: the llama architecture with one
//! layer, random weights, and a token for each byte. Supports only the parts of
//! version 3 of the format that such a model needs:
//! <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>.

/// Numbers in a token's vector.
const WIDTH: usize = 64;
const HEADS: u32 = 2;
const FEED_FORWARD: usize = 128;

/// Tensors begin at multiples of this number of bytes.
const ALIGNMENT: usize = 32;

/// Every token's vector has this value in dimension 0, which no layer changes:
/// the output weight of a token in that dimension is the bias towards it.
const BIAS_INPUT: f32 = 8.0;

/// Of the first ten seeds, the one with the most varied text that depends on the
/// prompt, and with short JSON.
const SEED: u64 = 5;

/// Writes the conversation as plain lines.
const CHAT_TEMPLATE: &str = "{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}\n{% endfor %}assistant:";

/// A model that writes printable ASCII until its limit or the end of a grammar.
/// Each call returns the same model.
pub fn untrained_model(context_length: u32) -> Vec<u8> {
    let vocabulary = vocabulary();
    let mut file = Gguf::default();
    file.entry("general.architecture", &Value::Text("llama"));
    file.entry("llama.context_length", &Value::Count(context_length));
    file.entry("llama.embedding_length", &Value::Count(WIDTH as u32));
    file.entry("llama.block_count", &Value::Count(1));
    file.entry("llama.feed_forward_length", &Value::Count(FEED_FORWARD as u32));
    file.entry("llama.attention.head_count", &Value::Count(HEADS));
    file.entry("llama.attention.layer_norm_rms_epsilon", &Value::Real(1e-5));
    file.entry("tokenizer.ggml.model", &Value::Text("llama"));
    file.entry("tokenizer.ggml.add_space_prefix", &Value::Flag(false));
    file.entry("tokenizer.ggml.tokens", &Value::Texts(&vocabulary));
    file.entry("tokenizer.ggml.scores", &Value::Reals(&vec![0.0; vocabulary.len()]));
    file.entry("tokenizer.ggml.token_type", &Value::Kinds(&vocabulary));
    file.entry("tokenizer.chat_template", &Value::Text(CHAT_TEMPLATE));

    let mut random = fastrand::Rng::with_seed(SEED);
    let mut noise = |size: f32| size * (2.0 * random.f32() - 1.0);
    let mut vectors = |bias: fn(&Token) -> f32| -> Vec<f32> {
        let vector = |token| {
            let mut vector = [0.0; WIDTH];
            vector.fill_with(|| noise(1.0));
            vector[0] = bias(token);
            vector
        };
        vocabulary.iter().flat_map(vector).collect()
    };
    file.tensor("token_embd.weight", WIDTH, vectors(|_| BIAS_INPUT));
    file.tensor("output.weight", WIDTH, vectors(|token| token.bias));
    for (name, columns, rows) in [
        ("attn_q", WIDTH, WIDTH),
        ("attn_k", WIDTH, WIDTH),
        ("attn_v", WIDTH, WIDTH),
        ("attn_output", WIDTH, WIDTH),
        ("ffn_gate", WIDTH, FEED_FORWARD),
        ("ffn_up", WIDTH, FEED_FORWARD),
        ("ffn_down", FEED_FORWARD, WIDTH),
    ] {
        let mut weights: Vec<_> = (0..columns * rows).map(|_| noise(0.4)).collect();
        if matches!(name, "attn_output" | "ffn_down") {
            // These are added to the vector: row 0 must not change dimension 0.
            weights[..columns].fill(0.0);
        }
        file.tensor(&format!("blk.0.{name}.weight"), columns, weights);
    }
    for name in ["blk.0.attn_norm.weight", "blk.0.ffn_norm.weight", "output_norm.weight"] {
        file.tensor(name, WIDTH, vec![1.0; WIDTH]);
    }
    file.into_bytes()
}

/// A piece of text, and the bias of the model towards it.
struct Token {
    text: String,
    kind: Kind,
    bias: f32,
}

/// `llama_token_type`.
#[derive(Clone, Copy)]
enum Kind {
    Normal = 1,
    Unknown = 2,
    Control = 3,
    Byte = 6,
}

/// llama.cpp expects the first three at these positions.
fn vocabulary() -> Vec<Token> {
    let token = |text: &str, kind, bias| Token { text: text.to_owned(), kind, bias };
    let mut tokens = vec![
        token("<unk>", Kind::Unknown, -8.0),
        token("<s>", Kind::Control, -8.0),
        token("</s>", Kind::Control, -4.0),
    ];
    // Bytes occur only in prompts: the model never writes them.
    tokens.extend((0..=u8::MAX).map(|byte| token(&format!("<0x{byte:02X}>"), Kind::Byte, -8.0)));
    tokens.push(token("\u{2581}", Kind::Normal, 0.0));
    tokens.extend(
        (b'!'..=b'~').map(|letter| token(&char::from(letter).to_string(), Kind::Normal, 0.0)),
    );
    tokens
}

/// A value of the file's metadata.
enum Value<'a> {
    Count(u32),
    Real(f32),
    Flag(bool),
    Text(&'a str),
    Texts(&'a [Token]),
    Reals(&'a [f32]),
    Kinds(&'a [Token]),
}

#[derive(Default)]
struct Gguf {
    metadata: Vec<u8>,
    metadata_count: u64,
    tensors: Vec<u8>,
    tensor_count: u64,
    weights: Vec<u8>,
}

impl Gguf {
    fn entry(&mut self, key: &str, value: &Value) {
        const UINT32: u32 = 4;
        const INT32: u32 = 5;
        const FLOAT32: u32 = 6;
        const BOOL: u32 = 7;
        const STRING: u32 = 8;
        const ARRAY: u32 = 9;

        let out = &mut self.metadata;
        let array = |out: &mut Vec<u8>, kind, length: usize| {
            number(out, ARRAY);
            number(out, kind);
            out.extend((length as u64).to_le_bytes());
        };
        string(out, key);
        match value {
            Value::Count(count) => {
                number(out, UINT32);
                number(out, *count);
            }
            Value::Real(real) => {
                number(out, FLOAT32);
                out.extend(real.to_le_bytes());
            }
            Value::Flag(flag) => {
                number(out, BOOL);
                out.push(u8::from(*flag));
            }
            Value::Text(text) => {
                number(out, STRING);
                string(out, text);
            }
            Value::Texts(tokens) => {
                array(out, STRING, tokens.len());
                tokens.iter().for_each(|token| string(out, &token.text));
            }
            Value::Reals(reals) => {
                array(out, FLOAT32, reals.len());
                out.extend(reals.iter().flat_map(|real| real.to_le_bytes()));
            }
            Value::Kinds(tokens) => {
                array(out, INT32, tokens.len());
                tokens.iter().for_each(|token| number(out, token.kind as u32));
            }
        }
        self.metadata_count += 1;
    }

    /// A vector, or a matrix of rows of `columns` weights.
    fn tensor(&mut self, name: &str, columns: usize, weights: Vec<f32>) {
        const F32: u32 = 0;

        let rows = weights.len() / columns;
        let dimensions = if rows == 1 { vec![columns] } else { vec![columns, rows] };
        string(&mut self.tensors, name);
        number(&mut self.tensors, dimensions.len() as u32);
        for size in dimensions {
            self.tensors.extend((size as u64).to_le_bytes());
        }
        number(&mut self.tensors, F32);
        self.tensors.extend((self.weights.len() as u64).to_le_bytes());
        self.tensor_count += 1;
        self.weights.extend(weights.iter().flat_map(|weight| weight.to_le_bytes()));
        align(&mut self.weights);
    }

    fn into_bytes(self) -> Vec<u8> {
        let mut file = b"GGUF".to_vec();
        number(&mut file, 3);
        file.extend(self.tensor_count.to_le_bytes());
        file.extend(self.metadata_count.to_le_bytes());
        file.extend(self.metadata);
        file.extend(self.tensors);
        align(&mut file);
        file.extend(self.weights);
        file
    }
}

fn number(out: &mut Vec<u8>, number: u32) {
    out.extend(number.to_le_bytes());
}

fn string(out: &mut Vec<u8>, text: &str) {
    out.extend((text.len() as u64).to_le_bytes());
    out.extend(text.as_bytes());
}

fn align(out: &mut Vec<u8>) {
    out.resize(out.len().next_multiple_of(ALIGNMENT), 0);
}
