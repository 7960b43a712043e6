"""Which documents may not be published, by what they order (法释〔2016〕19号 art. 4)."""

from __future__ import annotations

import pytest

from registry.basis import BasisKind, find_basis_kind

DIVORCE, CUSTODY, MINOR = BasisKind.DIVORCE, BasisKind.CUSTODY, BasisKind.MINOR


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("准予原告王甲甲与被告测试甲离婚；夫妻共同债务由被告承担。", DIVORCE),
        ("准予王甲甲（身份证号990101198005060019，电话13800000000）与测试甲离婚，返还彩礼1万元。", DIVORCE),
        ("原、被告离婚；婚后所购车辆归被告。", DIVORCE),
        ("离婚后财产纠纷：被告支付折价款30万元。", DIVORCE),
        ("测试甲应按离婚协议给付前妻王甲甲财产分割款5万元。", DIVORCE),
        ("解除王甲甲与测试甲的婚姻关系。", DIVORCE),
        ("準原告王甲甲與被告測試甲離婚。", DIVORCE),
        ("准予王甲甲与测试甲离\n婚。", DIVORCE),
        ("婚生子王小小由原告抚养，被告每月支付抚养费1200元。", CUSTODY),
        ("协助原告每月探望孩子两次。", CUSTODY),
        ("王小小随母亲王甲甲生活。", CUSTODY),
        ("指定王甲甲为未成年人王小小的监护人。", CUSTODY),
        ("撤销测试甲对王小小的监护人资格。", CUSTODY),
        ("每月支付孩子生活费800元至其独立生活时止。", CUSTODY),
        ("被告人犯罪时未满十八周岁，退赔被害人损失8000元。", MINOR),
        ("测试甲犯盗窃罪时未成年，依法从轻处罚，并处罚金1000元。", MINOR),
        ("被告人测试甲（犯罪时十六岁）犯抢劫罪，判处罚金500元。", MINOR),
        ("附带民事诉讼被告人测试甲（作案时17周岁）及其法定代理人测试乙赔偿2万元。", MINOR),
        ("未成年被告人测试甲犯寻衅滋事罪。", MINOR),
        ("少年刑事附带民事判决：测试甲作为未成年犯测试乙的监护人，赔偿21000元。", MINOR),
    ],
)
def test_what_may_not_be_published_is_seen(text: str, kind: BasisKind) -> None:
    assert find_basis_kind([text]) is kind


@pytest.mark.parametrize(
    "text",
    [
        "支付赡养费每月500元。",
        "原告随长子王甲甲共同生活，被告每月支付赡养费300元。",
        "监护人在其管理的财产范围内赔偿医疗费。",
        "与其配偶对借款本金承担共同清偿责任。",
        "该公司的监护设备货款12万元。",
        "测试甲与王甲甲虽已离婚，但借款发生于婚姻关系存续期间，应共同偿还贷款5万元。",
        "所欠货款属夫妻共同债务，二人共同偿还；双方离婚协议关于债务的约定对王某不发生效力。",
        "撤销离婚协议中赠与房屋的行为；偿还债权人王甲甲21万元。",
        "以夫妻共同财产归还原告借款。",
        "夫妻共有房产折价或者拍卖价款优先受偿，偿还借款本息。",
        "双方未办理结婚登记，不涉及离婚，返还彩礼款66000元。",
        "退还婚姻介绍费12800元，已介绍但离婚的不影响退费。",
        "因离婚时向王甲甲借款，应偿还9万元。",
        "赔偿死亡赔偿金、丧葬费、被扶养人生活费共30万元。",
        "被抚养人生活费计算至其年满18周岁。",
        "退赔被害人王某（案发时12岁）损失2399元，被告人作案时已年满十八周岁。",
        "退赔被害人王某（未成年人）手机折价款2399元。",
        "支付少年犯罪题材图书款300元。",
        "此款与子女抚养无关。",
        "支付森林抚育工程款8万元。",
    ],
)
def test_what_only_sounds_like_it_is_shown(text: str) -> None:
    assert find_basis_kind([text]) is None


def test_the_texts_of_a_record_are_read_together() -> None:
    assert find_basis_kind(["支付12000元。", "已付三个月抚养费"]) is CUSTODY
