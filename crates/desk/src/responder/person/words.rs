//! The words around a request for a person, in both languages.

use std::sync::LazyLock;

/// A list of words, written with spaces between them.
type Words = LazyLock<Vec<&'static str>>;

fn list(words: &'static str) -> Vec<&'static str> {
    words.split_whitespace().collect()
}

/// Words that may stand beside a phrase without making it anything but a request.
pub(super) static POLITE: Words = LazyLock::new(|| {
    list(
        "a actual again an and another any anyone asap available be can chat connect connected contact could \
         current directly do for get give go have hello help here hey hi how i i'd immediately instead is just \
         let like live love may me my need now ok okay online please pls plz put rather reach real really request \
         right some speak support switch talk thank thanks the there through to today transfer urgent urgently us \
         want wanna we with would yes you your someone human person agent",
    )
});

/// Of those, the ones that make a request of a phrase at the head of a longer sentence: "agent please, my order …".
pub(super) static PRESSING: Words = LazyLock::new(|| list("please pls plz now asap immediately"));

/// Words that lead to a person.
pub(super) static LEADING: Words = LazyLock::new(|| {
    list(
        "ask asked asking call chat connect contact escalate forward get gimme give help like looking need over \
         prefer put reach redirect request route see send speak speaking switch talk talking through transfer \
         waiting wanna want",
    )
});

/// Words between those and the phrase.
pub(super) static BETWEEN: Words = LazyLock::new(|| {
    list(
        "a actual an another any for from human in live me of one online other qualified real some support the to \
         touch us with your",
    )
});

/// Words that ask whether a person could do something, before the phrase.
pub(super) static COULD: Words = LazyLock::new(|| list("can could have let may"));

/// What a person could do, after it.
pub(super) static DOING: Words = LazyLock::new(|| {
    list(
        "answer assist call chat check contact email get help join look please reply respond speak take talk",
    )
});

/// Words of wishing between a negation and a leading word: "I don't really want to talk to …".
pub(super) static WISHING: Words =
    LazyLock::new(|| list("even going have like need really to trying want wanna wish actually"));

/// Words that make it the contrary.
pub(super) static NEGATIONS: Words = LazyLock::new(|| {
    list(
        "no not don't dont didn't didnt doesn't doesnt never without won't wont nor isn't wasn't shouldn't \
         needn't",
    )
});

/// Words that may follow a phrase that was led to. Others make it something else: "agent brochure".
pub(super) static FOLLOWING: Words = LazyLock::new(|| {
    list(
        "about again agent and as asap assistance at because being but cause coz cuz directly for from help here \
         i if immediately in instead it member my not now ok okay on operator or person please pls plz quickly \
         regarding rep representative right since so soon staff support team thank thanks that there this to \
         today urgently via when who with you your",
    )
});

/// As [`POLITE`], in Chinese; longer ones first where they share a beginning.
pub(super) static POLITE_CHINESE: Words = LazyLock::new(|| {
    list(
        "可不可以 有没有 能不能 真正的 想要 需要 请问 请 帮忙 帮我 帮 给我 给 转接 转到 转成 转 接通 接入 接 换成 \
         换 切换 找 呼叫 叫 联系 一下 下 一个 个 一位 位 的 客服 服务 人员 坐席 座席 专员 谢谢 多谢 吗 吧 呢 啊 \
         呀 嘛 么 了 没有 有 你好 您好 你们 这里 这边 能 可以 麻烦 和 跟 与 聊聊 聊 说话 沟通 对话 咨询 马上 立刻 \
         立即 快点 快 赶紧 赶快 现在 直接 回复 处理 解答 来 到 让 求 急 在线 在吗 在 那 就 还是 我们 我 要 想 \
         怎么 如何 怎样 才能 才 对接 进入 行 好 人 真人 人工",
    )
});

/// As [`PRESSING`].
pub(super) static PRESSING_CHINESE: Words = LazyLock::new(|| list("请 谢谢 快 马上 立刻"));

/// As [`LEADING`]: what stands right before.
pub(super) static LEADING_CHINESE: Words =
    LazyLock::new(|| list("转 转接 接 接通 换 换成 切换 找 要 联系 叫 请 跟 和 与 有 求 来 给 呼叫 对接"));

/// As [`BETWEEN`].
pub(super) static BETWEEN_CHINESE: Words = LazyLock::new(|| {
    list("真正的 你们家 你们的 你们 一个 一位 给我 帮我 一下 在线 个 位 到 成 下 的 我 你家 贵公司")
});

/// As [`NEGATIONS`], before a leading word and what is wished with.
pub(super) static NEGATIONS_CHINESE: Words = LazyLock::new(|| list("不 别 无需 没必要 不用 不必 甭"));

/// As [`WISHING`].
pub(super) static WISHING_CHINESE: Words = LazyLock::new(|| list("想要 需要 想 要 用 必 是 再 给我 帮我"));

/// As [`FOLLOWING`].
pub(super) static FOLLOWING_CHINESE: Words = LazyLock::new(|| {
    list(
        "客服 服务 坐席 座席 专员 人员 来 帮 处理 回复 吧 吗 么 嘛 呢 啊 呀 谢 解决 回答 解答 给我 聊 沟通 对话 \
         说 咨询 谈 了 一下 可以 好吗 行吗 行不行 跟我 和我 联系 接 在 马上 快 立刻 请 我 你 机器 不要 不想 \
         为什么 怎么 因为",
    )
});
