//! The coefficients of the elementary functions, by their bits.

pub(super) const LOG2_E: f64 = f64::from_bits(0x3ff7_1547_652b_82fe);
pub(super) const LN2_HI: f64 = f64::from_bits(0x3fe6_2e42_fefa_39ef);
pub(super) const LN2_LO: f64 = f64::from_bits(0x3c7a_bc9e_3b39_803f);
pub(super) const SHIFTER: f64 = f64::from_bits(0x4338_0000_0000_0000);
pub(super) const LOG_LN2_HI: f64 = f64::from_bits(0x3fe6_2e42_fee0_0000);
pub(super) const LOG_LN2_LO: f64 = f64::from_bits(0x3dea_39ef_3579_3c76);
pub(super) const SQRT_HALF_BITS: u64 = 0x3fe6_a09e_0000_0000;
pub(super) const MANTISSA: u64 = 0x000f_ffff_ffff_ffff;

pub(super) const EXP: [f64; 13] = [
    f64::from_bits(0x3ff0_0000_0000_0000),
    f64::from_bits(0x3fe0_0000_0000_0000),
    f64::from_bits(0x3fc5_5555_5555_5555),
    f64::from_bits(0x3fa5_5555_5555_5555),
    f64::from_bits(0x3f81_1111_1111_1111),
    f64::from_bits(0x3f56_c16c_16c1_6c17),
    f64::from_bits(0x3f2a_01a0_1a01_a01a),
    f64::from_bits(0x3efa_01a0_1a01_a01a),
    f64::from_bits(0x3ec7_1de3_a556_c734),
    f64::from_bits(0x3e92_7e4f_b778_9f5c),
    f64::from_bits(0x3e5a_e645_67f5_44e4),
    f64::from_bits(0x3e21_eed8_eff8_d898),
    f64::from_bits(0x3de6_1246_13a8_6d09),
];
pub(super) const LOG: [f64; 11] = [
    f64::from_bits(0x3fe5_5555_5555_5555),
    f64::from_bits(0x3fd9_9999_9999_999a),
    f64::from_bits(0x3fd2_4924_9249_2492),
    f64::from_bits(0x3fcc_71c7_1c71_c71c),
    f64::from_bits(0x3fc7_45d1_745d_1746),
    f64::from_bits(0x3fc3_b13b_13b1_3b14),
    f64::from_bits(0x3fc1_1111_1111_1111),
    f64::from_bits(0x3fbe_1e1e_1e1e_1e1e),
    f64::from_bits(0x3fba_f286_bca1_af28),
    f64::from_bits(0x3fb8_6186_1861_8618),
    f64::from_bits(0x3fb6_42c8_590b_2164),
];
