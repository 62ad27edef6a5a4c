// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Strings} from "@openzeppelin/contracts/utils/Strings.sol";

import {IParameterView} from "./interfaces/IParameterView.sol";
import {IRiskOracle} from "./interfaces/IRiskOracle.sol";
import {History} from "./lib/History.sol";

/// @title One provider's reports, in the shape of Chaos Labs' IRiskOracle
/// @notice Only what is final: consumers of this shape act on an update once and cannot take it back, and a
///         report that is not final may yet be convicted. Anybody may call `RiskOracle.settle` to make final
///         what can be.
/// @dev An update's id is `(index × markets + market) × types + type + 1`, so it needs no storage.
///      Deliberately absent: an owner, writing, and any change to the lists it is deployed with.
contract ParameterView is IParameterView {
    using Strings for uint256;

    /// @notice A market's address in this shape, and its name's hash in the oracle.
    struct Listing {
        address market;
        bytes32 name;
    }

    uint256 private constant TYPES = 2;
    uint256 private constant MARKETS_MAX = 256;
    string private constant MARGIN = "initialMargin";
    string private constant VOLATILITY = "volatility";

    /// @notice Where reports are read.
    IRiskOracle public immutable oracle;
    /// @notice Whose reports are read.
    address public immutable provider;
    Listing[] private _listings;
    /// @dev One more than its place among the listings.
    mapping(address market => uint256) private _places;

    /// @param listings markets that are read; an address for each, usually its asset's
    constructor(IRiskOracle oracle_, address provider_, Listing[] memory listings) {
        oracle = oracle_;
        provider = provider_;
        require(listings.length <= MARKETS_MAX, BadView("listings"));
        for (uint256 i = 0; i < listings.length; ++i) {
            require(_places[listings[i].market] == 0, BadView("market"));
            _places[listings[i].market] = i + 1;
            _listings.push(listings[i]);
        }
    }

    /// @inheritdoc IParameterView
    function getLatestUpdateByParameterAndMarket(string calldata updateType, address market)
        external
        view
        returns (RiskParameterUpdate memory)
    {
        uint8 kind = _kindOf(updateType);
        uint256 place = _places[market];
        require(kind > 0 && place > 0, NoUpdate(updateType, market));
        bytes32 name = _listings[place - 1].name;
        (IRiskOracle.Report memory report,,) = oracle.standing(provider, name, kind);
        require(report.nonce > 0, NoUpdate(updateType, market));
        (uint256 index,) = History.find(oracle, provider, name, kind, report.nonce);
        return _updateOf(index, place - 1, report);
    }

    /// @inheritdoc IParameterView
    function getUpdateById(uint256 updateId) external view returns (RiskParameterUpdate memory) {
        uint256 markets = _listings.length;
        require(updateId > 0 && markets > 0, InvalidUpdateId(updateId));
        uint256 rest = updateId - 1;
        uint8 kind = uint8(rest % TYPES) + 1;
        uint256 place = rest / TYPES % markets;
        uint256 index = rest / TYPES / markets;
        IRiskOracle.Report memory report =
            oracle.bundleAt(provider, _listings[place].name, index, kind);
        require(History.isFinal(oracle, report), InvalidUpdateId(updateId));
        return _updateOf(index, place, report);
    }

    /// @inheritdoc IParameterView
    function getAllUpdateTypes() external pure returns (string[] memory types) {
        types = new string[](TYPES);
        (types[0], types[1]) = (MARGIN, VOLATILITY);
    }

    /// @inheritdoc IParameterView
    function isAuthorized(address sender) external view returns (bool) {
        return sender == provider;
    }

    /// @notice Returns the markets that are read.
    function getListings() external view returns (Listing[] memory) {
        return _listings;
    }

    function _updateOf(uint256 index, uint256 place, IRiskOracle.Report memory report)
        private
        view
        returns (RiskParameterUpdate memory update)
    {
        Details memory details = Details({
            value: report.value,
            lower: report.lower,
            upper: report.upper,
            claim: report.claim,
            marketTime: report.marketTime,
            expiry: report.expiry
        });
        uint256 slot = index * _listings.length + place;
        update = RiskParameterUpdate({
            timestamp: report.validFrom,
            newValue: abi.encode(report.upper),
            referenceId: report.claim.toString(),
            previousValue: _valueBefore(index, place, report.kind),
            updateType: report.kind == 1 ? MARGIN : VOLATILITY,
            updateId: slot * TYPES + report.kind,
            market: _listings[place].market,
            additionalData: abi.encode(details)
        });
    }

    /// @dev The value of the final report before a bundle.
    function _valueBefore(uint256 index, uint256 place, uint8 kind)
        private
        view
        returns (bytes memory)
    {
        bytes32 name = _listings[place].name;
        while (index > 0) {
            IRiskOracle.Report memory report = oracle.bundleAt(provider, name, --index, kind);
            if (History.isFinal(oracle, report)) return abi.encode(report.upper);
        }
        return "";
    }

    function _kindOf(string calldata updateType) private pure returns (uint8) {
        bytes32 hash = keccak256(bytes(updateType));
        if (hash == keccak256(bytes(MARGIN))) return uint8(IRiskOracle.Kind.Margin);
        if (hash == keccak256(bytes(VOLATILITY))) return uint8(IRiskOracle.Kind.Volatility);
        return 0;
    }
}
