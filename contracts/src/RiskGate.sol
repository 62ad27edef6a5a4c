// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IRiskGate} from "./interfaces/IRiskGate.sol";
import {IRiskOracle} from "./interfaces/IRiskOracle.sol";

/// @title The gate between an oracle and a market
/// @notice Applied initial margin is always within floor and ceiling and within one step of what it
///         was; maintenance margin is never above it. One new report moves a parameter once.
/// @dev A raise of initial margin holds at once, since it only binds new risk. Maintenance margin,
///      which liquidates, follows by at most a quarter a report towards two thirds of initial.
///      Deliberately absent: funds, and any power of the owner over them.
contract RiskGate is IRiskGate, Ownable2Step {
    /// @dev What holds for a market. Nonces are those of `provider`; another one starts anew.
    struct Market {
        uint256 initial;
        uint256 maintenance;
        uint256 price;
        address provider;
        uint64 marginExpiry;
        uint64 priceExpiry;
        uint64 marketTime;
        uint64 marginNonce;
        uint64 priceNonce;
        bool known;
    }

    uint256 private constant WAD = 1e18;
    uint256 private constant MAINTENANCE_STEP_UP = 0.25e18;
    uint256 private constant STEP_UP_MAX = 1e20;

    /// @notice Where reports are read.
    IRiskOracle public immutable oracle;
    /// @notice Whose reports are read.
    address public provider;
    /// @notice Whether the static margins hold.
    bool public isShut;

    mapping(bytes32 market => Limits) private _limits;
    mapping(bytes32 market => Market) private _markets;

    /// @param oracle_ where reports are read
    /// @param provider_ whose reports are read
    /// @param owner_ the consuming protocol
    constructor(IRiskOracle oracle_, address provider_, address owner_) Ownable(owner_) {
        oracle = oracle_;
        provider = provider_;
        emit ProviderSet(provider_);
    }

    /// @inheritdoc IRiskGate
    function applyReports(bytes32 market) external {
        Market storage held = _known(market);
        if (held.provider != provider) {
            held.provider = provider;
            held.marginNonce = 0;
            held.priceNonce = 0;
        }
        bool price_ = _applyPrice(market, held);
        bool margin = !isShut && _applyMargin(market, held);
        require(price_ || margin, NothingToApply(market));
    }

    /// @inheritdoc IRiskGate
    function setMarket(bytes32 market, Limits calldata limits) external onlyOwner {
        require(limits.floor > 0 && limits.floor <= limits.ceiling, BadLimits("floor"));
        require(limits.ceiling <= WAD, BadLimits("ceiling"));
        require(limits.stepUp > 0 && limits.stepUp <= STEP_UP_MAX, BadLimits("stepUp"));
        require(limits.stepDown < WAD, BadLimits("stepDown"));
        require(limits.priceStep > 0 && limits.priceStep < WAD, BadLimits("priceStep"));
        require(
            limits.staticInitial >= limits.floor && limits.staticInitial <= limits.ceiling,
            BadLimits("staticInitial")
        );
        require(
            limits.staticMaintenance > 0 && limits.staticMaintenance <= limits.staticInitial,
            BadLimits("staticMaintenance")
        );

        _limits[market] = limits;
        Market storage held = _markets[market];
        if (!held.known) {
            held.known = true;
            held.provider = provider;
            held.initial = limits.staticInitial;
            held.maintenance = limits.staticMaintenance;
        }

        emit MarketSet(market, limits);
    }

    /// @inheritdoc IRiskGate
    function setProvider(address provider_) external onlyOwner {
        provider = provider_;
        emit ProviderSet(provider_);
    }

    /// @inheritdoc IRiskGate
    function setShut(bool shut) external onlyOwner {
        isShut = shut;
        emit ShutSet(shut);
    }

    /// @inheritdoc IRiskGate
    function initialMargin(bytes32 market) external view returns (uint256) {
        Market storage held = _known(market);
        return isShut ? _limits[market].staticInitial : held.initial;
    }

    /// @inheritdoc IRiskGate
    function maintenanceMargin(bytes32 market) external view returns (uint256) {
        Market storage held = _known(market);
        return isShut ? _limits[market].staticMaintenance : held.maintenance;
    }

    /// @inheritdoc IRiskGate
    function price(bytes32 market) external view returns (uint256) {
        return _known(market).price;
    }

    /// @inheritdoc IRiskGate
    function marketTime(bytes32 market) external view returns (uint64) {
        return _known(market).marketTime;
    }

    /// @inheritdoc IRiskGate
    function priceFresh(bytes32 market) public view returns (bool) {
        return block.timestamp < _known(market).priceExpiry;
    }

    /// @inheritdoc IRiskGate
    function fresh(bytes32 market) external view returns (bool) {
        return priceFresh(market) && (isShut || block.timestamp < _known(market).marginExpiry);
    }

    /// @notice Returns a market's limits.
    function limitsOf(bytes32 market) external view returns (Limits memory) {
        return _limits[market];
    }

    function _applyPrice(bytes32 market, Market storage held) private returns (bool) {
        IRiskOracle.Report memory report =
            oracle.latest(provider, market, uint8(IRiskOracle.Kind.Price));
        bool counts = report.nonce > held.priceNonce && block.timestamp < report.expiry
            && report.value > 0 && report.marketTime >= held.marketTime;
        if (!counts) return false;

        uint256 applied = report.value;
        if (held.price > 0) {
            uint256 step = _limits[market].priceStep;
            applied = _clamp(report.value, _less(held.price, step), _more(held.price, step));
        }
        held.price = applied;
        held.priceNonce = report.nonce;
        held.priceExpiry = report.expiry;
        held.marketTime = report.marketTime;

        emit Applied(
            market, report.kind, report.value, applied, applied != report.value, report.nonce
        );
        return true;
    }

    /// @dev Applies the upper bound: what the model is unsure of is paid for by margin.
    function _applyMargin(bytes32 market, Market storage held) private returns (bool) {
        IRiskOracle.Report memory report =
            oracle.latest(provider, market, uint8(IRiskOracle.Kind.Margin));
        if (report.nonce <= held.marginNonce || block.timestamp >= report.expiry) return false;

        Limits storage limits = _limits[market];
        uint256 applied = _clamp(
            report.upper, _less(held.initial, limits.stepDown), _more(held.initial, limits.stepUp)
        );
        applied = _clamp(applied, limits.floor, limits.ceiling);
        uint256 target = Math.mulDiv(applied, 2, 3, Math.Rounding.Ceil);
        uint256 maintenance = _clamp(
            target,
            _less(held.maintenance, limits.stepDown),
            _more(held.maintenance, MAINTENANCE_STEP_UP)
        );
        held.initial = applied;
        held.maintenance = Math.min(maintenance, applied);
        held.marginNonce = report.nonce;
        held.marginExpiry = report.expiry;

        emit Applied(
            market, report.kind, report.upper, applied, applied != report.upper, report.nonce
        );
        emit MaintenanceMoved(market, target, held.maintenance);
        return true;
    }

    function _known(bytes32 market) private view returns (Market storage held) {
        held = _markets[market];
        require(held.known, UnknownMarket(market));
    }

    function _more(uint256 value, uint256 step) private pure returns (uint256) {
        return Math.mulDiv(value, WAD + step, WAD);
    }

    function _less(uint256 value, uint256 step) private pure returns (uint256) {
        return Math.mulDiv(value, WAD - step, WAD, Math.Rounding.Ceil);
    }

    function _clamp(uint256 value, uint256 low, uint256 high) private pure returns (uint256) {
        return Math.min(Math.max(value, low), high);
    }
}
