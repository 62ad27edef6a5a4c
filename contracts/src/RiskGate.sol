// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {ICourt} from "./interfaces/ICourt.sol";
import {IRiskGate} from "./interfaces/IRiskGate.sol";
import {IRiskOracle} from "./interfaces/IRiskOracle.sol";

/// @title The gate between an oracle and a market
/// @notice Initial margin is always within floor and ceiling, and from the settled margin to one step
///         above it; maintenance margin is never above either. One new final report moves the settled
///         margins once.
/// @dev A raise holds at once, on a claim that may yet be convicted, since it only binds new risk and
///      ends with the claim. What pays somebody waits until the claim is final: maintenance margin,
///      which liquidates, follows by at most a quarter a report towards two thirds of the settled
///      initial margin. Deliberately absent: funds, and any power of the owner over them.
contract RiskGate is IRiskGate, Ownable2Step {
    /// @dev What holds for a market. Nonces are those of `provider`; another one starts anew.
    /// @param initial settled
    /// @param maintenance settled
    /// @param raised initial margin while the claim `raiser` stands
    /// @param raiser 0 when nothing is raised
    /// @param newest claim of the last report that is not final, 0 when there is none
    /// @param marginExpiry of the last final report
    /// @param newestExpiry of the report of `newest`
    struct Market {
        uint256 initial;
        uint256 maintenance;
        uint256 raised;
        uint256 raiser;
        uint256 newest;
        uint256 price;
        address provider;
        uint64 marginExpiry;
        uint64 newestExpiry;
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
    /// @notice Says whether the claims behind them stand.
    ICourt public immutable court;
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
        court = oracle_.court();
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
        oracle.settle(provider, market);
        bool price_ = _applyPrice(market, held);
        bool margin = !isShut && _applyMargins(market, held);
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
        if (isShut) return _limits[market].staticInitial;
        return _stands(held.raiser) ? held.raised : held.initial;
    }

    /// @inheritdoc IRiskGate
    function maintenanceMargin(bytes32 market) external view returns (uint256) {
        Market storage held = _known(market);
        return isShut ? _limits[market].staticMaintenance : held.maintenance;
    }

    /// @inheritdoc IRiskGate
    function settledMargin(bytes32 market) external view returns (uint256 initial, uint256 raiser) {
        Market storage held = _known(market);
        return (held.initial, _stands(held.raiser) ? held.raiser : 0);
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
        if (!priceFresh(market)) return false;
        Market storage held = _known(market);
        if (isShut || block.timestamp < held.marginExpiry) return true;
        return block.timestamp < held.newestExpiry && _stands(held.newest);
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

    /// @dev Applies upper bounds: what the model is unsure of is paid for by margin.
    function _applyMargins(bytes32 market, Market storage held) private returns (bool) {
        (
            IRiskOracle.Report memory settled,
            IRiskOracle.Report memory highest,
            IRiskOracle.Report memory newest
        ) = oracle.standing(provider, market, uint8(IRiskOracle.Kind.Margin));
        bool moved = settled.nonce > held.marginNonce;
        if (moved) _applySettled(market, held, settled);
        bool raised = _applyRaise(market, held, highest);
        if (newest.claim == held.newest) return moved || raised;

        (held.newest, held.newestExpiry) = (newest.claim, newest.expiry);
        if (newest.claim != 0 && newest.claim != held.raiser) {
            emit Waiting(market, newest.claim, newest.upper, newest.nonce);
        }
        return true;
    }

    /// @dev Moves the settled margins by one report, which is final.
    function _applySettled(bytes32 market, Market storage held, IRiskOracle.Report memory report)
        private
    {
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
    }

    /// @dev Raises initial margin over the settled one by the highest report that is not final, or ends
    ///      a raise.
    function _applyRaise(bytes32 market, Market storage held, IRiskOracle.Report memory highest)
        private
        returns (bool)
    {
        Limits storage limits = _limits[market];
        uint256 raised = Math.min(highest.upper, _more(held.initial, limits.stepUp));
        raised = Math.min(raised, limits.ceiling);
        uint256 raiser = highest.claim;
        if (raised <= held.initial) (raised, raiser) = (held.initial, 0);
        if (raiser == held.raiser && (raiser == 0 || raised == held.raised)) return false;

        (held.raised, held.raiser) = (raised, raiser);
        emit Raised(market, raiser, highest.upper, raised);
        return true;
    }

    /// @dev Whether a report with this claim counts.
    function _stands(uint256 claim) private view returns (bool) {
        if (claim == 0) return false;
        ICourt.State state = court.stateOf(claim);
        return state != ICourt.State.Struck && state != ICourt.State.Void;
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
