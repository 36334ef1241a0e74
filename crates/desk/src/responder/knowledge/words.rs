//! Words that say little about what a question is about. They count little, not nothing: "how are you" has no others.

use std::collections::HashSet;
use std::sync::LazyLock;

/// A set of words, written with spaces between them.
type Words = LazyLock<HashSet<&'static str>>;

fn list(words: &'static str) -> HashSet<&'static str> {
    words.split_whitespace().collect()
}

/// English, as the tokenizer leaves them: lower case, without apostrophes, not stemmed.
pub(super) static ENGLISH: Words = LazyLock::new(|| {
    list(
        "a about actually all also am an and any anyone are as at be been being but by can cannot cant could \
         couldnt dear did didnt do does doesnt doing done dont for from get getting give go going good got guys \
         had has have havent hello hey hi how hows i id if ill im in is isnt it its ive just kind know let like \
         look looking made make may me might mine my need now of off ok okay on or our out over please pls plz \
         really regarding s say see should show so some somehow still sure t take tell than thank thanks that \
         thats the their them then there these they thing things this those to too trying u up us use using very \
         want was wasnt way we well were what whats which will wish with wondering wont would wouldnt yes you \
         your yours something anything everything nothing stuff someone youre",
    )
});

/// Words that ask, and are about something only with others.
pub(super) static ASKING: Words = LazyLock::new(|| {
    list(
        "far fast long many much often old soon when where who whose why 几 几个 几天 几点 多久 多少 多少钱 多长 \
         多长时间 什么时候 哪里 哪儿 哪些 谁 为什么 为啥",
    )
});

/// Chinese, as the segmentation leaves them.
pub(super) static CHINESE: Words = LazyLock::new(|| {
    list(
        "的 了 吗 呢 吧 啊 呀 嘛 么 哦 嗯 我 你 您 他 她 它 我们 你们 您们 他们 咱们 是 在 有 和 与 跟 也 就 都 \
         还 很 请 请问 问 问下 问一下 麻烦 谢谢 你好 您好 想 想要 要 能 能够 可以 怎么 怎么样 怎么办 怎样 如何 \
         什么 一下 下 一个 个 这 那 这个 那个 这里 这边 那边 给 把 被 会 哪 需要 能不能 可不可以 有没有 是不是 \
         是否 到 去 来 得 地 着 过 啦 哈 呗 知道 告诉 帮 帮忙 帮我 应该 为 对 让 但 但是 而 或 或者 如果 的话 \
         因为 所以 亲 家 里 上 里面 东西 时候 现在 已经 自己 没 做 弄 办 搞 操作 才 再 只",
    )
});
