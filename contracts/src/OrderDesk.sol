// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {IOrderDesk} from "./interfaces/IOrderDesk.sol";
import {IPortfolioHouse} from "./interfaces/IPortfolioHouse.sol";
import {IScenarioBook} from "./interfaces/IScenarioBook.sol";

/// @title Orders of one house
/// @dev A house deploys its own.
contract OrderDesk is IOrderDesk, EIP712 {
    using SafeCast for int256;

    bytes32 private constant ORDER_TYPE = keccak256(
        "Order(address trader,uint32[] instruments,int64[] lots,int256 price,uint64 count,"
        "uint64 expiry,uint256 salt)"
    );

    /// @notice Whose trades these are.
    IPortfolioHouse public immutable house;
    /// @inheritdoc IOrderDesk
    mapping(bytes32 order => uint256) public filled;

    /// @param house_ that takes trades from here
    constructor(IPortfolioHouse house_) EIP712("Assay OrderDesk", "1") {
        house = house_;
    }

    /// @inheritdoc IOrderDesk
    function trade(Deal calldata deal, IScenarioBook.Reading[] calldata readings) external {
        IPortfolioHouse.Novation memory made = _meet(deal);
        _fill(deal.left, deal.leftSignature, deal.count);
        _fill(deal.right, deal.rightSignature, deal.count);
        house.novate(made, readings);
    }

    /// @inheritdoc IOrderDesk
    function cancel(Order calldata order) external {
        require(order.trader == msg.sender, BadSignature(order.trader));
        bytes32 hash = digestOf(order);
        filled[hash] = type(uint256).max;
        emit Cancelled(msg.sender, hash);
    }

    /// @inheritdoc IOrderDesk
    function digestOf(Order calldata order) public view returns (bytes32) {
        bytes32 instruments = keccak256(abi.encodePacked(order.instruments));
        bytes32 lots = keccak256(abi.encodePacked(order.lots));
        bytes memory encoded = abi.encode(
            ORDER_TYPE,
            order.trader,
            instruments,
            lots,
            order.price,
            order.count,
            order.expiry,
            order.salt
        );
        return _hashTypedDataV4(keccak256(encoded));
    }

    /// @dev Returns what two orders that meet become.
    function _meet(Deal calldata deal) private pure returns (IPortfolioHouse.Novation memory made) {
        Order calldata left = deal.left;
        Order calldata right = deal.right;
        uint256 legs = left.instruments.length;
        bool same = legs > 0 && left.lots.length == legs && right.lots.length == legs
            && right.instruments.length == legs;
        require(same && left.trader != right.trader && deal.count > 0, NoMatch());
        require(deal.price <= left.price && -deal.price <= right.price, NoMatch());
        (made.left, made.right) = (left.trader, right.trader);
        made.price = deal.price * int256(uint256(deal.count));
        made.instruments = left.instruments;
        made.lots = new int64[](legs);
        for (uint256 i = 0; i < legs; ++i) {
            bool ascends = i == 0 || left.instruments[i] > left.instruments[i - 1];
            int256 lots = left.lots[i];
            bool meets = left.instruments[i] == right.instruments[i] && lots == -right.lots[i];
            require(ascends && meets && lots != 0, NoMatch());
            made.lots[i] = (lots * int256(uint256(deal.count))).toInt64();
        }
    }

    function _fill(Order calldata order, bytes calldata signature, uint256 count) private {
        bytes32 hash = digestOf(order);
        (address signer, ECDSA.RecoverError fault,) = ECDSA.tryRecoverCalldata(hash, signature);
        bool signed = fault == ECDSA.RecoverError.NoError && signer == order.trader;
        require(signed, BadSignature(order.trader));
        uint256 whole = order.count;
        uint256 before = filled[hash];
        uint256 left = before < whole && block.timestamp < order.expiry ? whole - before : 0;
        require(count <= left, OrderSpent(hash, left));
        filled[hash] = before + count;
    }
}
